/// Preset of a model like abl3, small enough for a step in milliseconds.
public let tinyModel = """
  {
    "name": "tiny", "title": "Tiny", "summary": "abl3 in small",
    "bins": 257, "bands": [2, 3, "12x21"], "features": 8, "layers": 2,
    "trunk": { "kind": "bimamba", "paths": ["intra", "cross"],
      "mamba": { "d_state": 4, "d_conv": 4, "expand": 1 } },
    "decoder": { "expansion": 2, "mask_taps": 1 }
  }
  """
