"""The blocks of BSRNN."""

from torch import nn

from .mamba import along


class LSTMBlock(nn.Module):
    """`x + Linear(LSTM(GroupNorm(x)))` on x[B, K, T, N], over "time", or over "band" in both
    directions. The norm's statistics are over N, K and T.
    """

    def __init__(self, axis, features, hidden):
        super().__init__()
        self.axis = axis
        directions = 2 if axis == "band" else 1
        self.norm = nn.GroupNorm(1, features)
        self.lstm = nn.LSTM(features, hidden, batch_first=True, bidirectional=directions == 2)
        self.fc = nn.Linear(directions * hidden, features)
        for name, parameter in self.lstm.named_parameters():
            if name.startswith("weight_ih"):
                nn.init.xavier_uniform_(parameter)
            elif name.startswith("weight_hh"):
                nn.init.orthogonal_(parameter)
            else:
                nn.init.zeros_(parameter)

    def forward(self, x):
        n = self.norm(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return x + along(self.axis, n, lambda sequence: self.fc(self.lstm(sequence)[0]))
