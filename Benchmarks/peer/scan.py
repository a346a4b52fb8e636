"""The selective scan, in chunks of a few steps that inductor turns into vectorised loops.

Shapes: G directions, M sequences, L steps, D channels, S states. `delta`, `drive` (delta times x)
and `y` are [G, M, L, D]; `bc` is [G, M, L, 2 S] with B before C; `decay` is A·log2(e), [G, S, D].

    h_t = exp(delta_t·A) h_{t-1} + drive_t B_t,   y_t = sum over s of h_t C_t

The state exists at the edges of chunks only; the backward pass computes it again within a chunk.
Channels are the innermost axis everywhere, so that a vector holds 16 channels of one state, and the
sums over states need no shuffling.
"""

import math

import torch
import torch._inductor.config as inductor

# A step of the recurrence is cheap to compute again and dear to store, so nothing within a chunk
# may become a buffer of its own; multiply-adds may be fused.
inductor.realize_reads_threshold = 10**6
inductor.realize_acc_reads_threshold = 10**6
inductor.realize_opcount_threshold = 10**6
inductor.max_fusion_size = 10**6
inductor.cpp.enable_floating_point_contract_flag = "fast"

torch._dynamo.config.recompile_limit = 64

compiled = torch.compile(dynamic=False)

LOG2_E = 1 / math.log(2)
CHUNK = 4  # of 4, 6, 8 and 16 the fastest, and the soonest compiled

# 2^f for |f| <= 1/2 with a relative error of 7.5e-8, highest power first.
_EXP2 = (0.00132765, 0.00967554, 0.05550713, 0.2402212, 0.69314697, 1.00000007)


def exp2(x):
    """2^x for x <= 0, to about 2 units in the last place; 2^-126 below that.

    Vectorised by inductor in line; its own exp2 is a call for every vector.
    """
    x = x.clamp(min=-126.0)
    shifted = x + 12582912.0  # 1.5·2^23: rounds to an integer, which stands in the low bits
    fraction = x - (shifted - 12582912.0)
    result = fraction * _EXP2[0] + _EXP2[1]
    for coefficient in _EXP2[2:]:
        result = result * fraction + coefficient
    return (result.view(torch.int32) + (shifted.view(torch.int32) << 23)).view(torch.float32)


def chunk_bounds(length, limit=None):
    """Chunks of equal length but for the last one: two kernels to compile."""
    limit = limit or CHUNK
    size = math.ceil(length / math.ceil(length / limit))
    return [(start, min(start + size, length)) for start in range(0, length, size)]


def _factors(delta, drive, bc, decay, t):
    """Decay and input of step t, [G, M, S, D], and its C, [G, M, S, 1]."""
    states = bc.shape[-1] // 2
    factor = exp2(delta[:, :, t, None, :] * decay[:, None])
    added = drive[:, :, t, None, :] * bc[:, :, t, :states, None]
    return factor, added, bc[:, :, t, states:, None]


@compiled
def _forward_chunk(state, delta, drive, bc, decay, y):
    outputs = []
    for t in range(delta.shape[2]):
        factor, added, c = _factors(delta, drive, bc, decay, t)
        state = factor * state + added
        outputs.append((state * c).sum(2))
    y.copy_(torch.stack(outputs, 2))
    return state


def _adjoint_steps(state, adjoint, delta, drive, bc, decay, dy):
    """From the last step of a chunk to its first: t, the state after step t, the gradient with
    respect to it and to delta_t·A, and what it adds to the gradient of the state before."""
    steps = []
    for t in range(delta.shape[2]):
        factor, added, c = _factors(delta, drive, bc, decay, t)
        decayed = factor * state
        state = decayed + added
        steps.append((factor, decayed, state, c))
    for t in reversed(range(delta.shape[2])):
        factor, decayed, state, c = steps[t]
        gradient = dy[:, :, t, None, :] * c + adjoint
        adjoint = gradient * factor
        yield t, state, gradient, gradient * decayed, adjoint


@compiled
def _backward_chunk_channels(state, adjoint, delta, drive, bc, decay, dy, ddelta, ddrive):
    """Gradients of delta and drive: sums over states."""
    states = bc.shape[-1] // 2
    rate = decay[:, None] * math.log(2)
    of_delta, of_drive = [], []
    steps = _adjoint_steps(state, adjoint, delta, drive, bc, decay, dy)
    for t, _, gradient, of_exponent, _ in steps:
        of_delta.append((of_exponent * rate).sum(2))
        of_drive.append((gradient * bc[:, :, t, :states, None]).sum(2))
    ddelta.copy_(torch.stack(of_delta[::-1], 2))
    ddrive.copy_(torch.stack(of_drive[::-1], 2))


@compiled
def _backward_chunk_states(state, adjoint, delta, drive, bc, decay, dy, dbc, drate):
    """Gradients of B and C, sums over channels, and of A: returns the adjoint before the chunk."""
    of_b, of_c = [], []
    total = drate
    steps = _adjoint_steps(state, adjoint, delta, drive, bc, decay, dy)
    for t, state, gradient, of_exponent, adjoint in steps:
        of_b.append((gradient * drive[:, :, t, None, :]).sum(3))
        of_c.append((state * dy[:, :, t, None, :]).sum(3))
        total = total + of_exponent * delta[:, :, t, None, :]
    dbc.copy_(torch.cat([torch.stack(of_b[::-1], 2), torch.stack(of_c[::-1], 2)], 3))
    return adjoint, total


def forward(delta, drive, bc, rate):
    """Returns y and the states before every chunk."""
    decay = rate * LOG2_E
    groups, sequences, length, channels = delta.shape
    state = delta.new_zeros(groups, sequences, rate.shape[1], channels)
    y = torch.empty_like(delta)
    states = []
    for a, b in chunk_bounds(length):
        states.append(state)
        state = _forward_chunk(
            state, delta[:, :, a:b], drive[:, :, a:b], bc[:, :, a:b], decay, y[:, :, a:b]
        )
    return y, states


def backward(dy, delta, drive, bc, rate, states, dbc):
    """Returns the gradients of delta, drive and A [G, S, D]; writes that of `bc` into `dbc`."""
    decay = rate * LOG2_E
    ddelta, ddrive = torch.empty_like(delta), torch.empty_like(drive)
    adjoint, drate = torch.zeros_like(states[0]), torch.zeros_like(states[0])
    for (a, b), state in reversed(list(zip(chunk_bounds(delta.shape[2]), states))):
        of_chunk = [t[:, :, a:b] for t in (delta, drive, bc)] + [decay, dy[:, :, a:b]]
        _backward_chunk_channels(state, adjoint, *of_chunk, ddelta[:, :, a:b], ddrive[:, :, a:b])
        adjoint, drate = _backward_chunk_states(state, adjoint, *of_chunk, dbc[:, :, a:b], drate)
    return ddelta, ddrive, drate.sum(1)
