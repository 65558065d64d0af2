"""HDR pictures as SDR ones: PQ and HLG of ITU-R BT.2100, shown on a display for sRGB. Pure.

The light of every pixel, in cd/m2 of the display that the video was made for:

- PQ by its EOTF (SMPTE ST 2084); HLG by the inverse of its OETF and the OOTF of a display of
  1000 cd/m2 (BT.2100, gamma 1.2).
- BT.2020's primaries become BT.709's (BT.2087); colours outside BT.709 lose what it cannot show.
- The tone curve of BT.2390 (EETF) brings 1000 cd/m2, the nominal peak of BT.2100, down to 203
  cd/m2, the white of HDR (BT.2408), which is shown as SDR's white. It is applied to the largest of
  R, G and B, and all three are scaled alike: hue and saturation stay. Up to 88 cd/m2 light keeps
  its proportions; what is above 1000 is shown as 1000. So a white of 203 cd/m2 has the value 229
  of 255, a grey card of 26 has 100.
- sRGB's transfer (IEC 61966-2-1).

What the file says of its mastering display is not used, so that equal values look equal in all
videos. In float64, whose last digits differ between machines, so that the 8 bits do not.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.media.reader.colour import Hdr
from pipeline.media.reader.packet_index import Image

Floats = npt.NDArray[np.float64]

PEAK_CD_M2 = 1000.0
WHITE_CD_M2 = 203.0

_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
_PQ_CD_M2 = 10_000.0

_A = 0.17883277
_B = 1 - 4 * _A
_C = 0.5 - _A * np.log(4 * _A)
_GAMMA = 1.2

_LUMINANCE_2020 = np.array([[0.2627, 0.6780, 0.0593]])
_FROM_709_TO_2020 = np.array(
    [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
)
_TO_709 = np.linalg.inv(_FROM_709_TO_2020)


def tone_mapped(image: npt.NDArray[np.uint16], hdr: Hdr) -> Image:
    """The SDR image, RGB [height, width, 3], of R'G'B' values of which 65535 is 1."""
    light = _pq_light()[image] if hdr == "pq" else _hlg_display_light(_hlg_scene_light()[image])
    light = np.maximum(cv2.transform(light, _TO_709), 0.0)
    brightest = light.max(axis=-1, keepdims=True)
    scale = _toned(brightest) / np.maximum(brightest, np.finfo(np.float64).tiny)
    shown = np.clip(light * scale / WHITE_CD_M2, 0.0, 1.0)
    coded = np.where(shown <= 0.0031308, 12.92 * shown, 1.055 * shown ** (1 / 2.4) - 0.055)
    sdr: Image = np.rint(255 * coded).astype(np.uint8)
    return sdr


@cache
def _pq_light() -> Floats:
    """cd/m2 of every 16-bit value."""
    return _pq_eotf(np.linspace(0.0, 1.0, 1 << 16))


def _pq_eotf(value: Floats) -> Floats:
    """Light in cd/m2 of a PQ value, up to 1."""
    root = value ** (1 / _M2)
    light: Floats = _PQ_CD_M2 * (np.maximum(root - _C1, 0.0) / (_C2 - _C3 * root)) ** (1 / _M1)
    return light


def _pq_value(light: Floats) -> Floats:
    """The PQ value, up to 1, of light in cd/m2."""
    power = (light / _PQ_CD_M2) ** _M1
    value: Floats = ((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2
    return value


@cache
def _hlg_scene_light() -> Floats:
    """Light of the scene, up to 1, of every 16-bit value."""
    value = np.linspace(0.0, 1.0, 1 << 16)
    return np.where(value <= 0.5, value**2 / 3, (np.exp((value - _C) / _A) + _B) / 12)


def _hlg_display_light(scene: Floats) -> Floats:
    luminance = cv2.transform(scene, _LUMINANCE_2020)[..., np.newaxis]
    light: Floats = PEAK_CD_M2 * luminance ** (_GAMMA - 1) * scene
    return light


def _toned(light: Floats) -> Floats:
    """The EETF of BT.2390, from black and ``PEAK_CD_M2`` to black and ``WHITE_CD_M2``."""
    peak, white = _pq_value(np.array([PEAK_CD_M2, WHITE_CD_M2]))
    most = white / peak
    knee = 1.5 * most - 0.5
    value = np.minimum(_pq_value(light) / peak, 1.0)
    t = (value - knee) / (1 - knee)
    curve = (
        (2 * t**3 - 3 * t**2 + 1) * knee
        + (t**3 - 2 * t**2 + t) * (1 - knee)
        + (-2 * t**3 + 3 * t**2) * most
    )
    return _pq_eotf(np.where(value < knee, value, curve) * peak)
