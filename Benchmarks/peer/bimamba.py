"""A bidirectional Mamba block with its gradient written by hand.

Large products go to oneDNN; all that lies between them is fused by inductor into a few passes over
memory. Both directions share the normalised input, so they share the first and the last product
too, and run through one scan: the backward direction is kept in reversed order between those.

Shapes: M sequences of L steps, N features, D channels, S states, R the rank of delta; the first
axis of [2, M, L, D] is the direction.
"""

import torch
import torch.nn.functional as F

import scan
from products import product, product_plus

EPSILON = 1e-5
compiled = scan.compiled


def _natural(x, reverse):
    """[M, L, D] of the backward direction is kept in reversed order."""
    return x.flip(1) if reverse else x


def _convolved(x, weight):
    """Every whole window of x [M, L + taps - 1, D] with weight [taps, D]: [M, L, D]."""
    taps = weight.shape[0]
    length = x.shape[1] - taps + 1
    return sum(x[:, tap : tap + length] * weight[tap] for tap in range(taps))


def _windows(x, taps, reverse, causal=True):
    """Pairs of inputs for `_convolved` and the steps of its output.

    Only the few steps whose windows reach over the edge see zeros: inductor tests every element of
    an input that it pads.
    """
    edge = taps - 1
    at_end = reverse == causal
    few = x[:, -edge:] if at_end else x[:, :edge]
    few = F.pad(few, (0, 0, 0, edge) if at_end else (0, 0, edge, 0))
    length = x.shape[1]
    split = min(edge, length)
    yield few, (slice(0, split) if causal else slice(length - split, length))
    if length > edge:
        yield x, (slice(edge, length) if causal else slice(0, length - edge))


@compiled
def _normalise(x, weight, bias):
    """LayerNorm over the last axis of a possibly transposed x, as contiguous rows."""
    n = F.layer_norm(x, x.shape[-1:], weight, bias, EPSILON)
    return n.contiguous()


@compiled
def _normalise_backward(x, weight, dn, dout):
    mean = x.mean(-1, keepdim=True)
    centred = x - mean
    scale = torch.rsqrt(centred.square().mean(-1, keepdim=True) + EPSILON)
    normal = centred * scale
    weighted = dn * weight
    along = (weighted * normal).mean(-1, keepdim=True)
    dx = dout + scale * (weighted - weighted.mean(-1, keepdim=True) - normal * along)
    return dx, (dn * normal).sum((0, 1, 2)), dn.sum((0, 1, 2))


@compiled
def _convolve(x, weight, bias, out, reverse: bool):
    out.copy_(F.silu(_convolved(_natural(x, reverse), weight) + bias))


@compiled
def _step_sizes(low, weight, bias, x, delta, drive):
    """delta = softplus(dt_proj(low)) and delta·x; low [M, L, R], weight [R, D]."""
    raw = bias
    for r in range(weight.shape[0]):
        raw = raw + low[:, :, r, None] * weight[r]
    softplus = F.softplus(raw)
    delta.copy_(softplus)
    drive.copy_(softplus * x)


@compiled
def _gate(y, x, skip, z, out, reverse: bool):
    """(y + D·x)·SiLU(z) in natural order."""
    out.copy_(_natural(y + skip * x, reverse) * F.silu(z))


@compiled
def _gate_backward(dgated, y, x, skip, z, dy, dz, reverse: bool):
    gate = torch.sigmoid(z)
    dy.copy_(_natural(dgated * z * gate, reverse))
    dz.copy_(dgated * _natural(y + skip * x, reverse) * gate * (1 + z * (1 - gate)))


@compiled
def _step_sizes_backward(ddelta, ddrive, delta, x, dy, skip):
    """Gradients of softplus's argument, and of x by delta·x and by D·x."""
    draw = (ddelta + ddrive * x) * (1 - torch.exp(-delta))
    return draw, ddrive * delta + skip[:, None, None] * dy


@compiled
def _column_sums(draw, dy, x):
    return draw.sum((1, 2)), (dy * x).sum((1, 2))


@compiled
def _activation_backward(x, weight, bias, dx, dc, reverse: bool):
    c = _convolved(_natural(x, reverse), weight) + bias
    gate = torch.sigmoid(c)
    dc.copy_(dx * gate * (1 + c * (1 - gate)))


@compiled
def _convolve_backward(dc, weight, dx, reverse: bool):
    dx.copy_(_natural(_convolved(dc, weight.flip(0)), reverse))


@compiled
def _convolve_weight_backward(x, dc, taps: int, reverse: bool):
    x = _natural(x, reverse)
    length = dc.shape[1]
    sums = [(x[:, tap : tap + length] * dc).sum((0, 1)) for tap in range(taps)]
    return torch.stack([*sums, dc.sum((0, 1))])


def _rows(tensor):
    return tensor.reshape(-1, tensor.shape[-1])


class _BiMamba(torch.autograd.Function):
    """x + both directions of LayerNorm(x), for x [A, B, L, N] with any strides.

    Parameters of both directions are stacked on their first axis; conv_weight is [2, taps, D] and
    dt_weight [2, R, D], so that channels are contiguous everywhere.
    """

    @staticmethod
    def forward(
        context, x, norm_weight, norm_bias, in_weight, conv_weight, conv_bias, x_weight,
        dt_weight, dt_bias, a_log, skip, out_weight,
    ):  # fmt: skip
        outer, inner, length, features = x.shape
        rank, channels = dt_weight.shape[1:]
        sequences = outer * inner
        shape = (2, sequences, length, channels)
        n = _rows(_normalise(x, norm_weight, norm_bias))
        inputs = product(n, in_weight).view(sequences, length, 4 * channels)
        xs_zs = inputs.split(channels, 2)
        conv, delta, drive = (x.new_empty(shape) for _ in range(3))
        low_bc = x.new_empty(*shape[:3], x_weight.shape[1])
        for i in (0, 1):
            for x_part, steps in _windows(xs_zs[2 * i], conv_weight.shape[1], bool(i)):
                _convolve(x_part, conv_weight[i], conv_bias[i], conv[i, :, steps], bool(i))
            low_bc[i] = product(_rows(conv[i]), x_weight[i]).view(low_bc[i].shape)
            low = low_bc[i, ..., :rank]
            _step_sizes(low, dt_weight[i], dt_bias[i], conv[i], delta[i], drive[i])
        rate = -torch.exp(a_log.transpose(1, 2)).contiguous()
        y, states = scan.forward(delta, drive, low_bc[..., rank:], rate)
        gated = x.new_empty(sequences, length, 2 * channels)
        for i, out in enumerate(gated.split(channels, 2)):
            _gate(y[i], conv[i], skip[i], xs_zs[2 * i + 1], out, bool(i))
        out = product(_rows(gated), out_weight).view(x.shape)
        context.save_for_backward(
            x, norm_weight, in_weight, conv_weight, conv_bias, x_weight, dt_weight, skip,
            out_weight, n, inputs, conv, low_bc, delta, drive, rate, y, gated, *states,
        )  # fmt: skip
        return x + out

    @staticmethod
    def backward(context, dout):
        (
            x, norm_weight, in_weight, conv_weight, conv_bias, x_weight, dt_weight, skip,
            out_weight, n, inputs, conv, low_bc, delta, drive, rate, y, gated, *states,
        ) = context.saved_tensors  # fmt: skip
        taps, channels = conv_weight.shape[1:]
        rank, length = dt_weight.shape[1], inputs.shape[1]
        xs_zs = inputs.split(channels, 2)
        dinputs = torch.empty_like(inputs)
        dxs_dzs = dinputs.split(channels, 2)

        dout_rows = _rows(dout)
        dout_weight = product(dout_rows.t(), _rows(gated).t())
        dgated = product(dout_rows, out_weight.t()).view_as(gated)
        dy = torch.empty_like(y)
        for i, of_gated in enumerate(dgated.split(channels, 2)):
            z, dz = xs_zs[2 * i + 1], dxs_dzs[2 * i + 1]
            _gate_backward(of_gated, y[i], conv[i], skip[i], z, dy[i], dz, bool(i))

        dlow_bc = torch.empty_like(low_bc)
        ddelta, ddrive, drate = scan.backward(
            dy, delta, drive, low_bc[..., rank:], rate, states, dlow_bc[..., rank:]
        )
        draw, dconv = _step_sizes_backward(ddelta, ddrive, delta, conv, dy, skip)
        ddt_bias, dskip = _column_sums(draw, dy, conv)
        ddt_weight, dx_weight, dconv_weight, dconv_bias = [], [], [], []
        for i in (0, 1):
            dlow_bc_rows, draw_rows = _rows(dlow_bc[i]), _rows(draw[i])
            dlow_bc_rows[:, :rank] = product(draw_rows, dt_weight[i])
            ddt_weight.append(product(_rows(low_bc[i, ..., :rank]).t(), draw_rows.t()))
            dx_weight.append(product(dlow_bc_rows.t(), _rows(conv[i]).t()))
            of_conv = product_plus(dlow_bc_rows, x_weight[i].t(), _rows(dconv[i]))
            of_conv = of_conv.view_as(conv[i])
            xs, dxs = xs_zs[2 * i], dxs_dzs[2 * i]
            dc = torch.empty_like(of_conv)
            of_weights = 0
            for x_part, steps in _windows(xs, taps, bool(i)):
                dx_part, dc_part = of_conv[:, steps], dc[:, steps]
                _activation_backward(
                    x_part, conv_weight[i], conv_bias[i], dx_part, dc_part, bool(i)
                )
                of_weights += _convolve_weight_backward(x_part, dc_part, taps, bool(i))
            for dc_part, steps in _windows(dc, taps, False, causal=False):
                if i == 1:
                    steps = slice(length - steps.stop, length - steps.start)
                _convolve_backward(dc_part, conv_weight[i], dxs[:, steps], bool(i))
            dconv_weight.append(of_weights[:taps])
            dconv_bias.append(of_weights[taps])

        din_weight = product(_rows(dinputs).t(), n.t())
        dn = product(_rows(dinputs), in_weight.t()).view(x.shape)
        dx, dnorm_weight, dnorm_bias = _normalise_backward(x, norm_weight, dn, dout)
        return (
            dx, dnorm_weight, dnorm_bias, din_weight, torch.stack(dconv_weight),
            torch.stack(dconv_bias), torch.stack(dx_weight), torch.stack(ddt_weight), ddt_bias,
            (drate * rate).transpose(1, 2), dskip, dout_weight,
        )  # fmt: skip


class Mamba(torch.nn.Module):
    """The parameters of one direction, named and initialised as in the package."""

    def __init__(self, features, d_state, d_conv, expand):
        super().__init__()
        channels = expand * features
        rank = -(-features // 16)
        self.in_proj = torch.nn.Linear(features, 2 * channels, bias=False)
        self.conv1d = torch.nn.Conv1d(channels, channels, d_conv, groups=channels)
        self.x_proj = torch.nn.Linear(channels, rank + 2 * d_state, bias=False)
        self.dt_proj = torch.nn.Linear(rank, channels)
        self.A_log = torch.nn.Parameter(torch.arange(1.0, d_state + 1).log().repeat(channels, 1))
        self.D = torch.nn.Parameter(torch.ones(channels))
        self.out_proj = torch.nn.Linear(channels, features, bias=False)
        for layer in (self.in_proj, self.x_proj, self.out_proj):
            torch.nn.init.xavier_uniform_(layer.weight)
        torch.nn.init.uniform_(self.dt_proj.weight, -(rank**-0.5), rank**-0.5)
        low, high = torch.log(torch.tensor([1e-3, 0.1]))
        delta = torch.exp(torch.rand(channels) * (high - low) + low).clamp(min=1e-4)
        self.dt_proj.bias.data = delta + torch.log(-torch.expm1(-delta))


class BiMamba(torch.nn.Module):
    """A block over time ("intra") or over bands ("cross") of x [B, K, T, N]."""

    def __init__(self, features, path, mamba):
        super().__init__()
        self.path = path
        self.norm = torch.nn.LayerNorm(features, EPSILON)
        self.fwd = Mamba(features, **mamba)
        self.bwd = Mamba(features, **mamba)

    def forward(self, x):
        def both(name):
            return torch.stack([self.fwd.get_parameter(name), self.bwd.get_parameter(name)])

        def joined(name, axis):
            return torch.cat([self.fwd.get_parameter(name), self.bwd.get_parameter(name)], axis)

        if self.path == "cross":
            x = x.transpose(1, 2)
        conv_weight = both("conv1d.weight").squeeze(2).transpose(1, 2).contiguous()
        dt_weight = both("dt_proj.weight").transpose(1, 2).contiguous()
        x = _BiMamba.apply(
            x, self.norm.weight, self.norm.bias, joined("in_proj.weight", 0), conv_weight,
            both("conv1d.bias"), both("x_proj.weight"), dt_weight, both("dt_proj.bias"),
            both("A_log"), both("D"), joined("out_proj.weight", 1),
        )  # fmt: skip
        return x.transpose(1, 2) if self.path == "cross" else x
