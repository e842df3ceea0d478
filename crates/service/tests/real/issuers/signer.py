"""Keys and tokens as another library makes them: one JSON object a line in, one out.

{"make": "EdDSA"|"ES256"|"RS256"|"RS1024"|"ES384", "kid": ...} -> {"private": PEM, "public": PEM, "jwk": {...}}
{"sign": PEM or a secret, "alg": ..., "claims": {...}, "headers": {...}} -> {"token": ...}
"""

import json
import sys

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)


def make(kind, kid):
    if kind == "EdDSA":
        key, algorithm = ed25519.Ed25519PrivateKey.generate(), jwt.algorithms.OKPAlgorithm
    elif kind == "ES256":
        key, algorithm = ec.generate_private_key(ec.SECP256R1()), jwt.algorithms.ECAlgorithm
    elif kind == "ES384":
        key, algorithm = ec.generate_private_key(ec.SECP384R1()), jwt.algorithms.ECAlgorithm
    else:
        bits = 1024 if kind == "RS1024" else 2048
        key, algorithm = rsa.generate_private_key(65537, bits), jwt.algorithms.RSAAlgorithm
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    jwk = json.loads(algorithm.to_jwk(key.public_key()))
    if kid is not None:
        jwk["kid"] = kid
    return {"private": private, "public": public, "jwk": jwk}


def hmac_with(secret, claims, headers):
    """PyJWT refuses to take a public key for a secret; whoever attacks does not ask it."""
    import base64
    import hashlib
    import hmac

    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    signed = part({"alg": "HS256", "typ": "JWT", **headers}) + b"." + part(claims)
    mac = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return (signed + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


for line in sys.stdin:
    asked = json.loads(line)
    if "make" in asked:
        answer = make(asked["make"], asked.get("kid"))
    elif asked["alg"] == "HS256":
        answer = {"token": hmac_with(asked["sign"], asked["claims"], asked["headers"])}
    else:
        key = None if asked["alg"] == "none" else asked["sign"]
        token = jwt.encode(asked["claims"], key, algorithm=asked["alg"], headers=asked["headers"])
        answer = {"token": token}
    print(json.dumps(answer), flush=True)
