"""Matrix products.

On AMD processors PyTorch's usual float32 products (MKL) run at AVX2 speed. oneDNN, which is in
every PyTorch for x86, uses AVX-512 there: on a Zen 5 it is twice as fast, forward and for inputs'
gradients, and half as fast again for weights'. The operator is the one that inductor calls.
"""

import os

import torch

_ONEDNN = os.environ.get("PEER_PRODUCTS", "onednn") == "onednn"


def product(x, weight, bias=None):
    """x [tokens, in] times the transpose of weight [out, in], plus bias [out]."""
    if _ONEDNN:
        return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return torch.nn.functional.linear(x, weight, bias)


def product_plus(x, weight, other):
    """`other` + x [tokens, in] times the transpose of weight [out, in]."""
    if _ONEDNN:
        return torch.ops.mkldnn._linear_pointwise.binary(x, other, weight, None, "add")
    return torch.addmm(other, x, weight.t())


class _TanhLayers(torch.autograd.Function):
    """Linear, tanh, Linear."""

    @staticmethod
    def forward(context, x, weight1, bias1, weight2, bias2):
        hidden = product(x, weight1, bias1).tanh_()
        context.save_for_backward(x, hidden, weight1, weight2)
        return product(hidden, weight2, bias2)

    @staticmethod
    def backward(context, gradient):
        x, hidden, weight1, weight2 = context.saved_tensors
        of_hidden = product(gradient, weight2.t())
        of_hidden = torch.ops.aten.tanh_backward(of_hidden, hidden)
        return (
            product(of_hidden, weight1.t()),
            product(of_hidden.t(), x.t()),
            of_hidden.sum(0),
            product(gradient.t(), hidden.t()),
            gradient.sum(0),
        )


tanh_layers = _TanhLayers.apply
