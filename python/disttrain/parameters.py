"""Names and shapes of the parameters of a model, which are the keys of its state_dict."""

# The tensor that every model has, by which a state_dict and the prefix of its names are found.
LANDMARK = "band_split.norms.0.weight"


def prefixes(names):
    """The prefixes with which the landmark occurs among names, such as "module."."""
    return sorted(n[: -len(LANDMARK)] for n in names if ("." + n).endswith("." + LANDMARK))


def _affine(name, outputs, *inputs):
    return {f"{name}.weight": (outputs, *inputs), f"{name}.bias": (outputs,)}


def _mamba(name, features, sizes):
    inner = sizes.expand * features
    rank = -(-features // 16)
    return {
        f"{name}.in_proj.weight": (2 * inner, features),
        f"{name}.conv1d.weight": (inner, 1, sizes.d_conv),
        f"{name}.conv1d.bias": (inner,),
        f"{name}.x_proj.weight": (rank + 2 * sizes.d_state, inner),
        f"{name}.dt_proj.weight": (inner, rank),
        f"{name}.dt_proj.bias": (inner,),
        f"{name}.A_log": (inner, sizes.d_state),
        f"{name}.D": (inner,),
        f"{name}.out_proj.weight": (features, inner),
    }


def _bimamba(configuration):
    features, trunk, shapes = configuration.features, configuration.trunk, {}
    for layer in range(configuration.layers):
        for path in trunk.paths:
            block = f"layers.{layer}.{path}"
            shapes.update(_affine(f"{block}.norm", features))
            for direction in ("fwd", "bwd"):
                shapes.update(_mamba(f"{block}.{direction}", features, trunk.mamba))
    return shapes


def _unimamba(configuration):
    features, shapes = configuration.features, {}
    for layer in range(configuration.layers):
        block = f"layers.{layer}.time"
        shapes.update(_affine(f"{block}.norm", features))
        shapes.update(_mamba(f"{block}.mamba", features, configuration.trunk.mamba))
    shapes.update(_affine("cross_mlp.fc", features, features))
    for norm in ("norm1", "norm2"):
        shapes.update(_affine(f"cross_mlp.{norm}", features))
    return shapes


def _lstm(configuration):
    features, shapes = configuration.features, {}
    hidden = configuration.trunk.expand * features
    for axis, suffixes in (("time", ("",)), ("band", ("", "_reverse"))):
        for layer in range(configuration.layers):
            block = f"{axis}.{layer}"
            shapes.update(_affine(f"{block}.norm", features))
            for suffix in suffixes:
                shapes[f"{block}.lstm.weight_ih_l0{suffix}"] = (4 * hidden, features)
                shapes[f"{block}.lstm.weight_hh_l0{suffix}"] = (4 * hidden, hidden)
                shapes[f"{block}.lstm.bias_ih_l0{suffix}"] = (4 * hidden,)
                shapes[f"{block}.lstm.bias_hh_l0{suffix}"] = (4 * hidden,)
            shapes.update(_affine(f"{block}.fc", features, len(suffixes) * hidden))
    return shapes


_TRUNKS = {"bimamba": _bimamba, "unimamba": _unimamba, "lstm": _lstm}


def parameter_shapes(configuration):
    """The shape of each parameter by name; linear weights are [out, in]."""
    features, shapes = configuration.features, {}
    for band, width in enumerate(configuration.bands):
        shapes.update(_affine(f"band_split.norms.{band}", 2 * width))
        shapes.update(_affine(f"band_split.fcs.{band}", features, 2 * width))
    shapes.update(_TRUNKS[configuration.trunk.kind](configuration))
    for band, (width, expansion) in enumerate(zip(configuration.bands, configuration.expansions)):
        hidden = expansion * features
        shapes.update(_affine(f"decoder.norms.{band}", features))
        shapes.update(_affine(f"decoder.fc1.{band}", hidden, features))
        shapes.update(
            _affine(f"decoder.fc2.{band}", 4 * configuration.mask_taps * width, hidden))
    return shapes
