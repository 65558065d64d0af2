"""The scripted scenes. The tests of this package check the rules that every scene follows.

Names are numbers, so that neither a path nor a video id reveals what the video shows.
"""

from __future__ import annotations

from fractions import Fraction
from math import inf

from pipeline.media.scenes.script import Actor, Move, Scene

FILM = ((0.0, Fraction(24)),)
PAL = ((0.0, Fraction(25)),)
NTSC = ((0.0, Fraction(30000, 1001)),)
WEB = ((0.0, Fraction(30)),)
FAST = ((0.0, Fraction(60)),)

SCENES: tuple[Scene, ...] = (
    Scene(
        name="scene-01",
        rates=FILM,
        length_s=22,
        backgrounds=((0, "grey"),),
        actors=(
            Actor("circle", 28, (70, 60), ((0, "red"), (7.3, "blue"))),
            Actor("square", 24, (310, 150), ((0, "yellow"),), visible=((12.6, 18.9),)),
        ),
    ),
    Scene(
        name="scene-02",
        rates=PAL,
        length_s=28,
        backgrounds=((0, "white"), (9.7, "orange")),
        actors=(
            Actor("triangle", 30, (60, 150), ((0, "blue"),), (Move(14.2, 19.8, (330, 150)),)),
            Actor("square", 22, (190, 50), ((0, "black"),), visible=((22.4, inf),)),
        ),
        texture="gradient",
    ),
    Scene(
        name="scene-03",
        rates=NTSC,
        length_s=30,
        backgrounds=((0, "blue"), (16.1, "green")),
        actors=(
            Actor("square", 26, (80, 160), ((0, "white"),), (Move(21.5, 26.2, (310, 160)),)),
            Actor("circle", 24, (200, 60), ((0, "orange"),), visible=((4.4, 12.8),)),
        ),
        texture="noise",
    ),
    Scene(
        name="scene-04",
        rates=WEB,
        length_s=36,
        backgrounds=(
            (0, "cyan"),
            (5.6, "brown"),
            (11.3, "white"),
            (17.9, "purple"),
            (24.5, "cyan"),
            (30.2, "green"),
        ),
        actors=(Actor("triangle", 26, (195, 110), ((0, "black"),)),),
    ),
    Scene(
        name="scene-05",
        rates=FAST,
        length_s=16,
        backgrounds=((0, "black"),),
        actors=(
            Actor("circle", 20, (350, 110), ((0, "yellow"),), (Move(2.7, 8.1, (40, 110)),)),
            Actor("triangle", 22, (200, 40), ((0, "pink"),), visible=((11.4, inf),)),
        ),
    ),
    Scene(
        name="scene-06",
        rates=WEB,
        length_s=30,
        backgrounds=((0, "brown"),),
        actors=(
            Actor("square", 30, (190, 130), ((0, "cyan"),)),
            Actor("circle", 20, (320, 50), ((0, "white"),), visible=((0, 17.8),)),
        ),
        texture="noise",
    ),
    Scene(
        name="scene-07",
        rates=((0, Fraction(12)), (7.5, Fraction(30)), (16.5, Fraction(20))),
        length_s=25,
        backgrounds=((0, "yellow"), (19.9, "grey")),
        actors=(
            Actor("square", 24, (60, 60), ((0, "purple"), (4.3, "green"), (10.2, "black"))),
            Actor("circle", 26, (310, 150), ((0, "red"),), visible=((13.6, inf),)),
        ),
    ),
    Scene(
        name="scene-08",
        rates=PAL,
        length_s=40,
        backgrounds=((0, "white"),),
        actors=(
            Actor("circle", 24, (60, 50), ((0, "green"),)),
            Actor("circle", 24, (190, 50), ((0, "red"),), visible=((5.1, 27.4),)),
            Actor("square", 24, (320, 50), ((0, "blue"),), visible=((10.8, inf),)),
            Actor("triangle", 26, (60, 160), ((0, "brown"),), visible=((16.3, 33.7),)),
            Actor("square", 22, (190, 160), ((0, "purple"),), visible=((21.9, 30.5),)),
        ),
        texture="gradient",
    ),
    Scene(
        name="scene-09",
        rates=PAL,
        length_s=24,
        backgrounds=((0, "purple"), (12.2, "grey")),
        actors=(
            Actor(
                "square",
                22,
                (50, 40),
                ((0, "white"),),
                (Move(3.4, 8.8, (50, 170)), Move(15.6, 20.4, (330, 170))),
            ),
        ),
        codec="mpeg4",
    ),
    Scene(
        name="scene-10",
        rates=FILM,
        length_s=60,
        backgrounds=((0, "cyan"), (25.7, "pink"), (47.6, "white")),
        actors=(
            Actor(
                "circle",
                26,
                (70, 60),
                ((0, "black"), (9.4, "purple"), (42.1, "red")),
                (Move(33.2, 38.9, (310, 60)),),
            ),
            Actor("square", 24, (80, 165), ((0, "brown"),), visible=((4.9, 18.3), (29.1, 51.8))),
            Actor("triangle", 26, (300, 160), ((0, "green"),), visible=((21.5, inf),)),
        ),
        texture="noise",
    ),
    Scene(
        name="scene-11",
        rates=WEB,
        length_s=32,
        backgrounds=((0, "black"),),
        actors=(
            Actor("circle", 24, (60, 55), ((0, "red"),), (Move(4.7, 11.3, (320, 55)),)),
            Actor("circle", 24, (330, 160), ((0, "cyan"),), (Move(14.5, 22.8, (190, 160)),)),
            Actor("square", 20, (60, 160), ((0, "yellow"),), visible=((0, 26.0),)),
        ),
        texture="gradient",
    ),
    Scene(
        name="scene-12",
        rates=NTSC,
        length_s=24,
        backgrounds=((0, "green"),),
        actors=(
            Actor("triangle", 24, (60, 180), ((0, "white"),), (Move(2.6, 8.2, (60, 50)),)),
            Actor("circle", 22, (340, 40), ((0, "yellow"),), (Move(11.1, 18.7, (180, 160)),)),
            Actor("square", 20, (180, 50), ((0, "black"), (21.4, "pink"))),
        ),
    ),
    Scene(
        name="scene-13",
        rates=((0, Fraction(50)), (5.2, Fraction(15)), (11.2, Fraction(24)), (18.7, Fraction(10))),
        length_s=26,
        backgrounds=((0, "grey"), (7.2, "blue")),
        actors=(
            Actor("circle", 26, (190, 60), ((0, "yellow"), (10.1, "white"), (22.3, "orange"))),
            Actor("triangle", 26, (70, 160), ((0, "black"),), (Move(13.4, 19.5, (310, 160)),)),
        ),
        texture="gradient",
    ),
    Scene(
        name="scene-14",
        rates=FILM,
        length_s=10,
        backgrounds=((0, "pink"),),
        actors=(
            Actor("square", 26, (80, 100), ((0, "blue"),)),
            Actor("triangle", 28, (300, 120), ((0, "green"),)),
        ),
    ),
)
