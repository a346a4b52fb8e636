/// Tiny presets of the trunks that `tinyModel` does not have, by kind.
public let tinySystems = [
  "lstm": tinySystem(#""kind": "lstm", "expand": 2"#),
  "unimamba": tinySystem(
    #""kind": "unimamba", "mamba": { "d_state": 4, "d_conv": 4, "expand": 1 }"#),
]

/// Preset like `tinyModel` with another trunk.
private func tinySystem(_ trunk: String) -> String {
  """
  {
    "name": "tiny", "title": "Tiny", "summary": "another trunk in small",
    "bins": 257, "bands": [2, 3, "12x21"], "features": 8, "layers": 2,
    "trunk": { \(trunk) },
    "decoder": { "expansion": 2, "mask_taps": 1 }
  }
  """
}
