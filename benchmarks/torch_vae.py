"""The contestant from PyTorch: the study's beta-VAE, trained eagerly with PyTorch's defaults on one thread.

Started by training.py, in any interpreter that has torch and NumPy.
"""

import torch
import torch.nn.functional as F
from rotation import images, serve
from torch import Tensor, nn


class BetaVae(nn.Module):
    """The nets of Locatello et al. 2019 at 64x64x1: 690,517 parameters."""

    def __init__(self, num_latents: int = 10):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 32, 4, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(32, 32, 4, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(32, 64, 2, stride=2), nn.ReLU(),
            nn.Conv2d(64, 64, 2, stride=2), nn.ReLU(),
            nn.Flatten(),
            nn.Linear(1024, 256), nn.ReLU(),
        )  # fmt: skip
        self.mean, self.logvar = nn.Linear(256, num_latents), nn.Linear(256, num_latents)
        self.decoder = nn.Sequential(
            nn.Linear(num_latents, 256), nn.ReLU(),
            nn.Linear(256, 1024), nn.ReLU(),
            nn.Unflatten(1, (64, 4, 4)),
            nn.ConvTranspose2d(64, 64, 4, stride=2, padding=1), nn.ReLU(),
            nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1), nn.ReLU(),
            nn.ConvTranspose2d(32, 32, 4, stride=2, padding=1), nn.ReLU(),
            nn.ConvTranspose2d(32, 1, 4, stride=2, padding=1),
        )  # fmt: skip

    def loss(self, x: Tensor, beta: float) -> Tensor:
        """Bernoulli reconstruction, summed over pixels, and beta KL; batch means."""
        h = self.encoder(x)
        mean, logvar = self.mean(h), self.logvar(h)
        logits = self.decoder(mean + torch.exp(logvar / 2) * torch.randn_like(mean))
        reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
        return reconstruction + beta * 0.5 * (mean**2 + logvar.exp() - logvar - 1).sum(1).mean()


def training(batch_size: int = 64):
    """What it is, and a function that takes n steps."""
    torch.manual_seed(0)
    net, data = BetaVae(), torch.from_numpy(images()).permute(0, 3, 1, 2).contiguous()
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-4)

    def advance(steps: int) -> None:
        for _ in range(steps):
            index = torch.randint(0, len(data), (batch_size,))
            optimiser.zero_grad()
            net.loss(data[index].float(), 4.0).backward()
            optimiser.step()

    return {"version": torch.__version__, "parameters": sum(p.numel() for p in net.parameters())}, advance


if __name__ == "__main__":
    torch.set_num_threads(1)
    info, advance = training()
    advance(5)
    serve(info, advance)
