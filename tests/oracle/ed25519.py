"""Strict Ed25519: the checks that common libraries leave out, and then the library's own."""

from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)


def _x_of(y, sign):
    """The x of a point (RFC 8032 section 5.1.3), or None where there is none."""
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * SQRT_M1 % P
    if (x * x - square) % P:
        return None
    if x == 0 and sign:
        return None
    return x if x & 1 == sign else P - x


def _double(point):
    x, y = point
    product = D * x * x * y * y
    new_x = 2 * x * y * pow(1 + product, P - 2, P)
    new_y = (y * y + x * x) * pow(1 - product, P - 2, P)
    return new_x % P, new_y % P


def _strong_point(encoded):
    """Whether 32 bytes are the canonical encoding of a point that is not of small order."""
    number = int.from_bytes(encoded, "little")
    y, sign = number & (2**255 - 1), number >> 255
    if y >= P:
        return False
    x = _x_of(y, sign)
    if x is None:
        return False
    point = (x, y)
    for _ in range(3):
        point = _double(point)
    return point != (0, 1)


@lru_cache(maxsize=4096)
def good_key(key):
    """Whether the 32 bytes may serve as a public key."""
    return len(key) == 32 and _strong_point(key)


@lru_cache(maxsize=65536)
def verify(key, message, signature):
    """Whether the signature is good: strictly, and without the cofactor."""
    if len(signature) != 64 or not good_key(key):
        return False
    if int.from_bytes(signature[32:], "little") >= L or not _strong_point(signature[:32]):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True
