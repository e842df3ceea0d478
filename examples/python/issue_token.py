"""Signs a token with which somebody signs in to a hither service: what the backend of a product does.

    python issue_token.py KEY.pem https://shop.example hither alice@shop.example Alice [KID]

KEY.pem is the backend's private key: Ed25519, P-256 or RSA of 2048 bits at least. The service knows the
public one, from a file or a JWKS, and is told whose tokens to believe:

    [[issuer]]
    name = "shop"
    issuer = "https://shop.example"
    audience = "hither"
    keys_file = "/etc/hither/shop.pem"
"""

import sys
import time

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

LIFE = 600


def algorithm_of(key):
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "EdDSA"
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return "ES256"
    if isinstance(key, rsa.RSAPrivateKey):
        return "RS256"
    raise SystemExit("the key must be Ed25519, P-256 or RSA")


def issue(key, issuer, audience, person, name, kid=None):
    """A token that lives for ten minutes: long enough to sign in, too short to be worth stealing."""
    now = int(time.time())
    claims = {"iss": issuer, "aud": audience, "sub": person, "name": name, "iat": now, "exp": now + LIFE}
    headers = {"kid": kid} if kid else None
    return jwt.encode(claims, key, algorithm=algorithm_of(key), headers=headers)


def main():
    if len(sys.argv) not in (6, 7):
        raise SystemExit(__doc__)
    file, issuer, audience, person, name, *kid = sys.argv[1:]
    with open(file, "rb") as pem:
        key = load_pem_private_key(pem.read(), None)
    print(issue(key, issuer, audience, person, name, *kid))


if __name__ == "__main__":
    main()
