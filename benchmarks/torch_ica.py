"""Steps of non-linear ICA in plain PyTorch, of the sizes of `ica.py`: a line of JSON with seconds for each step.

python benchmarks/torch_ica.py METHOD STEPS ROUNDS
"""

import json
import sys
import time

import torch
from torch import nn

SOURCES, SEGMENTS, POINTS, BATCH, LAYERS = 5, 40, 20_480, 512, 3


class Maxout(nn.Module):
    """The larger of two linear functions, layer by layer; the last is linear."""

    def __init__(self, width: int):
        super().__init__()
        sizes = [SOURCES, *[width] * (LAYERS - 1)]
        self.hidden = nn.ModuleList(nn.Linear(before, 2 * width) for before in sizes[:-1])
        self.last = nn.Linear(sizes[-1], SOURCES)

    def forward(self, x):
        for layer in self.hidden:
            x = layer(x).reshape(len(x), -1, 2).amax(dim=2)
        return self.last(x)


class Tcl(nn.Module):
    def __init__(self):
        super().__init__()
        self.net, self.head = Maxout(2 * SOURCES), nn.Linear(SOURCES, SEGMENTS)

    def forward(self, x, segment, before):
        decay = sum((weight**2).sum() for weight in self.parameters() if weight.ndim == 2) / 2
        return nn.functional.cross_entropy(self.head(self.net(x).abs()), segment) + 1e-4 * decay


class Pcl(nn.Module):
    def __init__(self):
        super().__init__()
        self.net, self.scale = Maxout(2 * SOURCES), nn.BatchNorm1d(SOURCES)
        self.now, self.then = nn.Parameter(torch.ones(SOURCES)), nn.Parameter(-torch.ones(SOURCES))
        self.offset, self.square = nn.Parameter(torch.zeros(SOURCES)), nn.Parameter(torch.ones(()))

    def forward(self, x, segment, before):
        both = self.scale(self.net(torch.cat([x, before])))
        h, then = both.chunk(2)
        wrong = then[torch.randperm(len(then))]

        def ratio(other):
            return self.square * (h**2).sum(1) - (self.now * h + self.then * other + self.offset).abs().sum(1)

        return (nn.functional.softplus(-ratio(then)).mean() + nn.functional.softplus(ratio(wrong)).mean()) / 2


class Likelihood(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(SOURCES, SOURCES) for _ in range(LAYERS))
        self.mean, self.log_scale = nn.Embedding(SEGMENTS, SOURCES), nn.Embedding(SEGMENTS, SOURCES)

    def forward(self, x, segment, before):
        log_det = 0.0
        for number, layer in enumerate(self.layers):
            if number:
                log_det = log_det + torch.log(0.2 + 0.8 * torch.sigmoid(x)).sum(1)
                x = 0.2 * x + 0.8 * nn.functional.softplus(x)
            x = layer(x)
            log_det = log_det + torch.linalg.slogdet(layer.weight)[1]
        log_scale = self.log_scale(segment)
        s = (x - self.mean(segment)) * torch.exp(-log_scale)
        return ((s**2 / 2 + log_scale).sum(1) - log_det).mean()


METHODS = {"tcl": Tcl, "pcl": Pcl, "conditional_likelihood": Likelihood}


def main(method: str, steps: int, rounds: int) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model, x = METHODS[method](), torch.randn(POINTS, SOURCES)
    segments = torch.arange(POINTS) // (POINTS // SEGMENTS)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(rounds + 1):
        start = time.perf_counter()
        for _ in range(steps):
            index = torch.randint(1, POINTS, (BATCH,))
            optimiser.zero_grad()
            model(x[index], segments[index], x[index - 1]).backward()
            optimiser.step()
        print(json.dumps({"seconds": (time.perf_counter() - start) / steps, "torch": torch.__version__}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
