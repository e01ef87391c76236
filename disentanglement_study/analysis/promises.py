"""What the theory of each method of independent components promises, and under which assumptions on the sources."""

from typing import NamedTuple


class Promise(NamedTuple):
    """What a method assumes of sources s and of x = f(s), what it then identifies, and what of s its codes stand for.

    `representation` is the one that is held against it: "mean", or of codes that stand for |s| "abs".
    """

    assumes: str
    identifies: str
    source: str
    representation: str = "mean"


PROMISES = {
    "fast_ica": Promise("linear f; at most one Gaussian source", "s up to scale and sign", "Hyvärinen 1999"),
    "tcl": Promise(
        "d + 1 segments or more, with scales that differ",
        "|s| up to a linear map, which FastICA undoes",
        "Hyvärinen and Morioka 2016, theorem 1",
        "abs",
    ),
    "pcl": Promise(
        "order in time; autoregressive sources with innovations that are not Gaussian",
        "s up to a function of each",
        "Hyvärinen and Morioka 2017, theorem 1",
    ),
    "gcl": Promise(
        "u, or 2d + 1 segments or more; Gaussian sources given it, with means and scales that differ",
        "s up to a function of each",
        "Hyvärinen, Sasaki and Turner 2019",
    ),
    "ivae": Promise(
        "u, or 2d + 1 segments or more; sources of an exponential family given it; noise is allowed",
        "s up to a function of each",
        "Khemakhem et al. 2020, theorem 2",
    ),
    "ice_beem": Promise(
        "u, or 2d + 1 segments or more; an energy f(x) g(u) with squares; sources may be dependent",
        "s up to scale and offset",
        "Khemakhem et al. 2020, ICE-BeeM",
    ),
    "hidden_markov": Promise(
        "order in time; no noise; 2d + 1 hidden states or more; Gaussian sources given the state",
        "s up to scale and offset",
        "Hälvä and Hyvärinen 2020",
    ),
    "snica": Promise(
        "order in time; sources that switch between dynamics independently; noise is allowed",
        "s up to a function of each",
        "Hälvä et al. 2021, theorem 2",
    ),
    "conditional_likelihood": Promise(
        "u or segments; no noise, as many observed as sources; Gaussian given u, with means and scales that differ",
        "s up to scale and offset",
        "Khemakhem et al. 2020, theorem 2, without noise",
    ),
    "slow_vae": Promise(
        "pairs in time; independent Laplace steps, most of them small", "s up to sign", "Klindt et al. 2021"
    ),
    "unconditional_likelihood": Promise("standard normal s", "nothing: a control", "Hyvärinen and Pajunen 1999"),
    "unconditional_vae": Promise("standard normal s", "nothing: a control", "Hyvärinen and Pajunen 1999"),
}
