"""The contestants from PyTorch: steps of non-linear ICA, eagerly, of the sizes and objectives of `ica.py`.

Started by ica.py, in any interpreter that has torch and NumPy.
"""

import math
import sys
from collections.abc import Callable

import torch
from rotation import serve
from torch import Tensor, nn

SOURCES, SEGMENTS, POINTS, BATCH, LAYERS = 5, 40, 20_480, 512, 3


class Maxout(nn.Module):
    """The larger of two linear functions, layer by layer; the last is linear."""

    def __init__(self, width: int, bias: bool = True):
        super().__init__()
        sizes = [SOURCES, *[width] * (LAYERS - 1)]
        self.hidden = nn.ModuleList(nn.Linear(before, 2 * width) for before in sizes[:-1])
        self.last = nn.Linear(sizes[-1], SOURCES, bias=bias)

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
    batch = BATCH // 2  # pairs, of as many points as the others have

    def __init__(self):
        super().__init__()
        self.net, self.scale = Maxout(2 * SOURCES, bias=False), nn.BatchNorm1d(SOURCES, affine=False)
        self.now, self.then = nn.Parameter(torch.ones(SOURCES)), nn.Parameter(-torch.ones(SOURCES))
        self.offset, self.curvature = nn.Parameter(torch.zeros(SOURCES)), nn.Parameter(torch.zeros(SOURCES))
        self.constant = nn.Parameter(torch.zeros(()))

    def forward(self, x, segment, before):
        both = self.scale(self.net(torch.cat([x, before])))
        h, then = both.chunk(2)
        wrong = then[torch.randperm(len(then))]

        def ratio(other):
            innovation = (self.now * h + self.then * other + self.offset).abs()
            return (self.curvature.exp() * h**2 - innovation).sum(1) + self.constant

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


class Xtanh(nn.Module):
    """Three matrices, and between them tanh(x) + x / 10."""

    def __init__(self, inputs: int, outputs: int = SOURCES, width: int = 100):
        super().__init__()
        sizes = [inputs, *[width] * (LAYERS - 1)]
        self.hidden = nn.ModuleList(nn.Linear(before, width) for before in sizes[:-1])
        self.last = nn.Linear(width, outputs)

    def forward(self, x):
        for layer in self.hidden:
            x = layer(x)
            x = torch.tanh(x) + 0.1 * x
        return self.last(x)


class Ivae(nn.Module):
    """Its KL in the three parts of Chen et al. 2018, of weights of their own, as ours has it."""

    def __init__(self):
        super().__init__()
        self.mean, self.logvar = Xtanh(SOURCES), Xtanh(SOURCES)
        self.prior, self.decoder = Xtanh(SEGMENTS), Xtanh(SOURCES)
        self.register_buffer("weights", torch.ones(4))

    def forward(self, x, segment, before):
        mean, logvar = self.mean(x), self.logvar(x)
        prior = self.prior(nn.functional.one_hot(segment, SEGMENTS).float())
        z = mean + torch.exp(logvar / 2) * torch.randn_like(mean)
        missed = 0.5 * ((self.decoder(z) - x) ** 2 / 0.1 + math.log(2 * math.pi * 0.1)).sum(1).mean()
        kl = 0.5 * ((mean**2 + logvar.exp()) * torch.exp(-prior) + prior - logvar - 1).sum(1).mean()
        log_q = -0.5 * ((z.T[:, :, None] - mean.T[:, None]) ** 2 * torch.exp(-logvar.T[:, None]) + logvar.T[:, None])
        log_q = log_q - 0.5 * math.log(2 * math.pi)
        joint = torch.logsumexp(log_q.sum(0), 1).mean()
        marginals = torch.logsumexp(log_q, 2).sum(0).mean()
        entropy = 0.5 * (logvar + math.log(2 * math.pi * math.e)).sum(1).mean()
        parts = torch.stack([missed, -entropy - joint, joint - marginals, marginals + entropy + kl])
        return (self.weights * parts).sum()


METHODS = {"tcl": Tcl, "pcl": Pcl, "conditional_likelihood": Likelihood, "ivae": Ivae}


def training(method: str) -> tuple[dict, Callable[[int], Tensor]]:
    """What it is, and a function that takes n steps and says the last loss."""
    torch.manual_seed(0)
    model, x = METHODS[method](), torch.randn(POINTS, SOURCES)
    size = getattr(model, "batch", BATCH)
    segments = torch.arange(POINTS) // (POINTS // SEGMENTS)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)

    def advance(steps: int) -> Tensor:
        for _ in range(steps):
            index = torch.randint(1, POINTS, (size,))
            optimiser.zero_grad()
            loss = model(x[index], segments[index], x[index - 1])
            loss.backward()
            optimiser.step()
        return loss.detach()

    return {
        "version": torch.__version__,
        "parameters": sum(p.numel() for p in model.parameters()),
        "batch": size,
    }, advance


if __name__ == "__main__":
    torch.set_num_threads(1)
    info, advance = training(sys.argv[1])
    advance(5)
    serve(info, advance)
