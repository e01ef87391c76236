"""Cast rays into a square room with one solid in it, lit as OpenGL's fixed pipeline lights a scene.

The unit is half the side of the room. y points up; the floor is y = 0, the walls are x = -1, x = 1 and z = far. The
solid stands on the floor at the origin. The camera is at (D sin a, H, -D cos a) and looks horizontally at the axis of
the solid. What a ray meets first has

    lightness   ambient + headlight max(-n.f, 0) + diffuse spot max(n.l, 0),  times the texture of floor and walls
    gloss       specular spot where n.l > 0, of the solid only
    spot        max(l_y, 0) ** exponent: the lamp points straight down

with the normal n, the direction of view f of the camera and the direction l towards the lamp. Where the solid hides
the lamp from the floor, only ambient is left. Curved solids are lit at the corners of their facets, and in between
light is interpolated; their outlines are round. The texture is averaged over each pixel by mipmaps (Williams 1983).
"""

from math import atan2, cos, floor, inf, log2, pi, sin, sqrt
from typing import NamedTuple, no_type_check

import numba
import numpy as np
from jaxtyping import Float

SKY, FLOOR, WALL, SOLID = range(4)
CUBE, CYLINDER, SPHERE, CAPSULE = range(4)


class Scene(NamedTuple):
    """What all pictures share, as it was measured. Lengths are in half sides of the room."""

    size: int = 192  # pixels on a side
    focal: float = 212.22  # pixels
    distance: float = 0.7256  # of the camera from the axis of the solid, D
    height: float = 0.2117  # of the camera, H
    top: float = 0.5633  # of the walls
    far: float = 1.0154  # z of the wall opposite the camera
    lamp: tuple[float, float, float] = (-0.4204, 2.1085, 0.1453)
    ambient: float = 0.35
    headlight: float = 0.60
    diffuse: float = 0.975
    specular: float = 0.15
    exponent: float = 9.7
    slices: int = 28  # facets once round a curved solid
    stacks: int = 16  # facets from pole to pole
    period: float = 0.5680  # after which the texture repeats
    floor_shift: float = -0.0057  # of the texture along z on the floor
    side_shift: float = 0.0184  # of the texture along z on the walls x = -1 and x = 1


def mipmaps(texture: Float[np.ndarray, "side side"]) -> Float[np.ndarray, "levels side side"]:
    """The texture and its means over 2 x 2, 4 x 4, ... texels, each in the first rows and columns of its level."""
    side = len(texture)
    levels = np.zeros((side.bit_length(), side, side), np.float32)
    for k in range(len(levels)):
        n = side >> k
        levels[k, :n, :n] = texture.reshape(n, 2**k, n, 2**k).mean(axis=(1, 3))
    return levels


@numba.njit(cache=True, nogil=True)
@no_type_check
def raycast(scene, texture, shape, radius, half, angle):
    """What the centres of pixels see of one solid from one angle a.

    texture: float32 [levels, side, side], from `mipmaps`.
    radius: of the solid; half the side of a cube. half: half the height of a cube or cylinder, or of a capsule without
    its round ends; 0 for a sphere.

    angle: of the camera round the axis of the solid, in radians.

    Returns surface int8 [size, size] (SKY, FLOOR, WALL or SOLID), lightness and gloss float32 [size, size].
    """
    size = scene.size
    surface = np.zeros((size, size), np.int8)
    lightness, gloss = np.zeros((size, size), np.float32), np.zeros((size, size), np.float32)
    sin_a, cos_a = sin(angle), cos(angle)
    forward, right = (-sin_a, 0.0, cos_a), (cos_a, 0.0, sin_a)
    eye = scene.distance * sin_a, scene.height, -scene.distance * cos_a
    for row in range(size):
        v = (size / 2 - row - 0.5) / scene.focal
        for column in range(size):
            u = (column + 0.5 - size / 2) / scene.focal
            ray = forward[0] + u * right[0], v, forward[2] + u * right[2]
            t_solid, normal = meet_solid(shape, radius, half, eye, ray)
            t_floor = -eye[1] / ray[1] if ray[1] < 0 else inf
            t_side = (1 - eye[0] * np.sign(ray[0])) / abs(ray[0]) if ray[0] != 0 else inf
            t_far = (scene.far - eye[2]) / ray[2] if ray[2] > 0 else inf
            t = min(t_solid, t_floor, t_side, t_far)
            point = eye[0] + t * ray[0], eye[1] + t * ray[1], eye[2] + t * ray[2]
            if t == t_solid:
                surface[row, column] = SOLID
                lightness[row, column], gloss[row, column] = light_solid(scene, shape, point, normal, forward)
                continue
            if t == t_floor:
                surface[row, column], normal = FLOOR, (0.0, 1.0, 0.0)
                place = scene.floor_shift - point[2], point[0] + scene.period / 2
            elif point[1] > scene.top:
                continue
            elif t == t_far:
                surface[row, column], normal = WALL, (0.0, 0.0, -1.0)
                place = point[0], point[1]
            else:
                surface[row, column], normal = WALL, (-np.sign(ray[0]), 0.0, 0.0)
                place = normal[0] * (point[2] - scene.side_shift), point[1]
            light, _ = light_at(scene, point, normal, forward)
            if t == t_floor:
                lamp = scene.lamp[0] - point[0], scene.lamp[1], scene.lamp[2] - point[2]
                if meet_solid(shape, radius, half, (point[0], 0.0, point[2]), lamp)[0] < inf:
                    light = scene.ambient
            across = max(slide(ray, right, normal), slide(ray, (0.0, 1.0, 0.0), normal)) * t / scene.focal
            lightness[row, column] = light * look_up(scene, texture, place, across)
    return surface, lightness, gloss


@numba.njit(cache=True, nogil=True)
@no_type_check
def meet_solid(shape, radius, half, origin, ray):
    """The distance, in lengths of the ray, at which it first meets the solid, and the normal there; inf if never."""
    if shape == CUBE:
        return meet_box(radius, half, origin, ray)
    x, y, z = origin
    dx, dy, dz = ray
    nearest, normal = inf, (0.0, 0.0, 0.0)
    low = 0.0 if shape == CYLINDER else radius
    high = low + 2 * half
    # The mantle: (x + t dx)^2 + (z + t dz)^2 = radius^2, between low and high.
    a, b, c = dx * dx + dz * dz, dx * x + dz * z, x * x + z * z - radius * radius
    if b * b > a * c and a > 0:
        for sign in (-1.0, 1.0):
            t = (-b + sign * sqrt(b * b - a * c)) / a
            if 0 < t < nearest and low <= y + t * dy <= high:
                nearest, normal = t, ((x + t * dx) / radius, 0.0, (z + t * dz) / radius)
    for end in (low, high):
        if shape == CYLINDER:
            t = (end - y) / dy if dy != 0 else inf
            if 0 < t < nearest and (x + t * dx) ** 2 + (z + t * dz) ** 2 < radius * radius:
                nearest, normal = t, (0.0, 1.0 if end > 0 else -1.0, 0.0)
        else:
            a, b = dx * dx + dy * dy + dz * dz, dx * x + dy * (y - end) + dz * z
            c = x * x + (y - end) ** 2 + z * z - radius * radius
            if b * b > a * c:
                t = (-b - sqrt(b * b - a * c)) / a
                if 0 < t < nearest:
                    nearest, normal = t, ((x + t * dx) / radius, (y + t * dy - end) / radius, (z + t * dz) / radius)
    return nearest, normal


@numba.njit(cache=True, nogil=True)
@no_type_check
def meet_box(radius, half, origin, ray):
    """`meet_solid` for a box of width and depth 2 radius and height 2 half."""
    enter, leave, normal = 0.0, inf, (0.0, 0.0, 0.0)
    for axis in range(3):
        low, high = (0.0, 2 * half) if axis == 1 else (-radius, radius)
        o, d = origin[axis], ray[axis]
        if d == 0:
            if not low < o < high:
                return inf, normal
            continue
        near, far = ((low - o) / d, (high - o) / d) if d > 0 else ((high - o) / d, (low - o) / d)
        if near > enter:
            side = -np.sign(d)
            enter = near
            normal = (side if axis == 0 else 0.0, side if axis == 1 else 0.0, side if axis == 2 else 0.0)
        leave = min(leave, far)
    return (enter if enter < leave else inf), normal


@numba.njit(cache=True, nogil=True)
@no_type_check
def light_at(scene, point, normal, forward):
    """Lightness and gloss of a point with a normal."""
    x, y, z = scene.lamp[0] - point[0], scene.lamp[1] - point[1], scene.lamp[2] - point[2]
    length = sqrt(x * x + y * y + z * z)
    facing = (normal[0] * x + normal[1] * y + normal[2] * z) / length
    light = scene.ambient + scene.headlight * max(-normal[0] * forward[0] - normal[2] * forward[2], 0.0)
    if facing <= 0:
        return light, 0.0
    spot = max(y / length, 0.0) ** scene.exponent
    return light + scene.diffuse * spot * facing, scene.specular * spot


@numba.njit(cache=True, nogil=True)
@no_type_check
def light_solid(scene, shape, point, normal, forward):
    """Lightness and gloss of a point of the solid: on a curved face, interpolated over the corners of its facet."""
    if shape == CUBE or (shape == CYLINDER and normal[1] != 0):
        return light_at(scene, point, normal, forward)
    slice_, stack = 2 * pi / scene.slices, pi / scene.stacks
    longitude = atan2(normal[2], normal[0]) / slice_
    latitude = atan2(normal[1], sqrt(normal[0] ** 2 + normal[2] ** 2)) / stack
    light, gloss = 0.0, 0.0
    for i in range(2):
        phi = floor(longitude) + i
        for j in range(2):
            theta = floor(latitude) + j
            weight = (1 - abs(longitude - phi)) * (1 - abs(latitude - theta))
            flat = cos(theta * stack)
            corner = flat * cos(phi * slice_), sin(theta * stack), flat * sin(phi * slice_)
            at_corner = light_at(scene, point, corner, forward)
            light, gloss = light + weight * at_corner[0], gloss + weight * at_corner[1]
    return light, gloss


@numba.njit(cache=True, nogil=True)
@no_type_check
def slide(ray, step, normal):
    """How far the point where a ray of length 1 meets a plane moves when the ray's end is moved by `step`."""
    along = (step[0] * normal[0] + step[1] * normal[1] + step[2] * normal[2]) / (
        ray[0] * normal[0] + ray[1] * normal[1] + ray[2] * normal[2]
    )
    return sqrt((step[0] - along * ray[0]) ** 2 + (step[1] - along * ray[1]) ** 2 + (step[2] - along * ray[2]) ** 2)


@numba.njit(cache=True, nogil=True)
@no_type_check
def look_up(scene, texture, place, across):
    """The texture at a place, averaged over the width of a pixel there: interpolated in its levels and between them."""
    levels, side = texture.shape[0], texture.shape[1]
    level = min(max(log2(across / scene.period * side), 0.0), levels - 1.001)
    lower = int(level)
    value = 0.0
    for k in range(lower, lower + 2):
        n = side >> k
        s, t = place[0] / scene.period * n - 0.5, place[1] / scene.period * n - 0.5
        for i in range(2):
            column = floor(s) + i
            for j in range(2):
                row = floor(t) + j
                weight = (1 - abs(level - k)) * (1 - abs(s - column)) * (1 - abs(t - row))
                value += weight * texture[k, int(row) % n, int(column) % n]
    return value
