"""A CNI plug-in, chained behind another: it names the node's end of a pod's cable as Calico does.

Its Felix finds a pod's cable by a name made of the pod's own. containerd runs this as a program of
its own, with nothing but Python's standard library.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys


def main() -> None:
    """Do what CNI_COMMAND says; to delete a pod takes nothing."""
    command = os.environ["CNI_COMMAND"]
    if command == "VERSION":
        print(json.dumps({"cniVersion": "1.0.0", "supportedVersions": ["0.4.0", "1.0.0"]}))
    if command != "ADD":
        return
    known = dict(pair.split("=", 1) for pair in os.environ["CNI_ARGS"].split(";"))
    pod = f"{known['K8S_POD_NAMESPACE']}.{known['K8S_POD_NAME']}"
    name = f"cali{hashlib.sha1(pod.encode()).hexdigest()[:11]}"
    result = json.load(sys.stdin)["prevResult"]
    cable = next(one for one in result["interfaces"] if not one.get("sandbox"))
    rename = ("ip", "link", "set", cable["name"], "name", name)
    subprocess.run(rename, check=True, stdout=sys.stderr)
    cable["name"] = name
    print(json.dumps(result))


if __name__ == "__main__":
    main()
