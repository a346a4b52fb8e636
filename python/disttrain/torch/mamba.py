"""Mamba with a scan in plain torch, and the blocks that the trunks make of it."""

import math

import torch
from torch import nn
from torch.nn import functional as F

# Sequences that go through a block at a time: their states stay in the cache.
SEQUENCES = 128


def selective_scan(x, delta, a, b, c, d):
    """The selective state space recurrence, from h_0 = 0:

        h_t = exp(delta_t·A) ⊙ h_{t-1} + (delta_t·x_t) B_t
        y_t = ⟨h_t, C_t⟩ + D ⊙ x_t

    Shapes: x, delta [M, L, D]; A [D, S]; B, C [M, L, S]; D [D]; result [M, L, D]. Source: Gu and
    Dao 2023. The states of one step exist at a time; all of them would not fit into memory.
    """
    state = x.new_zeros(x.shape[0], x.shape[2], a.shape[1])
    drive = delta * x
    outputs = []
    for t in range(x.shape[1]):
        decay = torch.exp(delta[:, t, :, None] * a)
        state = torch.addcmul(drive[:, t, :, None] * b[:, t, None, :], decay, state)
        outputs.append((state * c[:, t, None, :]).sum(-1))
    return torch.stack(outputs, 1) + d * x


class Mamba(nn.Module):
    """`mamba_ssm.Mamba` by its names, shapes and formulas, on u[M, L, N].

    First values are those of `mamba_ssm`; the matrices of `in_proj`, `x_proj` and `out_proj` are
    Xavier-uniform.
    """

    def __init__(self, features, sizes):
        super().__init__()
        inner = sizes.expand * features
        self.rank, self.states = math.ceil(features / 16), sizes.d_state
        self.in_proj = nn.Linear(features, 2 * inner, bias=False)
        self.conv1d = nn.Conv1d(
            inner, inner, sizes.d_conv, groups=inner, padding=sizes.d_conv - 1)
        self.x_proj = nn.Linear(inner, self.rank + 2 * self.states, bias=False)
        self.dt_proj = nn.Linear(self.rank, inner)
        self.A_log = nn.Parameter(
            torch.log(torch.arange(1.0, self.states + 1)).repeat(inner, 1))
        self.D = nn.Parameter(torch.ones(inner))
        self.out_proj = nn.Linear(inner, features, bias=False)
        for linear in (self.in_proj, self.x_proj, self.out_proj):
            nn.init.xavier_uniform_(linear.weight)
        bound = sizes.d_conv**-0.5
        nn.init.uniform_(self.conv1d.weight, -bound, bound)
        nn.init.uniform_(self.conv1d.bias, -bound, bound)
        nn.init.uniform_(self.dt_proj.weight, -(self.rank**-0.5), self.rank**-0.5)
        with torch.no_grad():
            steps = torch.exp(
                torch.rand(inner) * (math.log(0.1) - math.log(1e-3)) + math.log(1e-3)
            ).clamp(min=1e-4)
            # The inverse of softplus.
            self.dt_proj.bias.copy_(steps + torch.log(-torch.expm1(-steps)))

    def forward(self, u):
        x, z = self.in_proj(u).chunk(2, -1)
        x = F.silu(self.conv1d(x.transpose(1, 2))[..., : u.shape[1]]).transpose(1, 2)
        delta, b, c = self.x_proj(x).split([self.rank, self.states, self.states], -1)
        delta = F.softplus(self.dt_proj(delta))
        y = selective_scan(x, delta, -torch.exp(self.A_log), b, c, self.D)
        return self.out_proj(y * F.silu(z))


def along(axis, x, function):
    """Applies `function` to sequences [M, L, N] of x[B, K, T, N], along "time" or "band"."""
    if axis == "band":
        x = x.transpose(1, 2)
    sequences = x.reshape(-1, *x.shape[2:])
    y = torch.cat([function(part) for part in sequences.split(SEQUENCES)]).reshape(x.shape)
    return y.transpose(1, 2) if axis == "band" else y


class BiMamba(nn.Module):
    """`x + fwd(n) + reverse(bwd(reverse(n)))` with n = LayerNorm(x), on x[B, K, T, N]; over time
    for the path "intra", over bands for "cross".
    """

    def __init__(self, path, features, sizes):
        super().__init__()
        self.axis = {"intra": "time", "cross": "band"}[path]
        self.norm = nn.LayerNorm(features)
        self.fwd = Mamba(features, sizes)
        self.bwd = Mamba(features, sizes)

    def forward(self, x):
        return x + along(
            self.axis, self.norm(x), lambda n: self.fwd(n) + self.bwd(n.flip(1)).flip(1))


class UniMamba(nn.Module):
    """`x + mamba(LayerNorm(x))` over time, on x[B, K, T, N]."""

    def __init__(self, features, sizes):
        super().__init__()
        self.norm = nn.LayerNorm(features)
        self.mamba = Mamba(features, sizes)

    def forward(self, x):
        return x + along("time", self.norm(x), self.mamba)


class CrossBandMLP(nn.Module):
    """`LayerNorm(x + GELU(LayerNorm(Linear(x))))` on x[B, K, T, N], with the exact GELU."""

    def __init__(self, features):
        super().__init__()
        self.fc = nn.Linear(features, features)
        self.norm1 = nn.LayerNorm(features)
        self.norm2 = nn.LayerNorm(features)

    def forward(self, x):
        return self.norm2(x + F.gelu(self.norm1(self.fc(x))))
