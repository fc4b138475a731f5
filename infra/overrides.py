"""Prints the parameters of a deployment, as `sam deploy --parameter-overrides` wants them: those of samconfig.toml, and the Release.

    python infra/overrides.py dev

The Release is a hash of what the functions are: the binaries that `sam build` has made, the template and the parameters. Where it
changes, new versions are published; where it doesn't, none are. RELEASE in the environment goes in too: to publish new versions after a
key was rotated, which none of these show.
"""

import hashlib
import os
import pathlib
import sys
import tomllib

root = pathlib.Path(__file__).parent.parent
overrides = tomllib.loads((root / "samconfig.toml").read_text())[sys.argv[1]]["deploy"]["parameters"]["parameter_overrides"]
release = hashlib.sha256("\0".join([os.environ.get("RELEASE", ""), *overrides]).encode())
for file in [root / "template.yaml", *sorted((root / ".aws-sam" / "build").glob("*/bootstrap"))]:
    release.update(file.read_bytes())
print(*(repr(o) for o in overrides), f"Release={release.hexdigest()}")
