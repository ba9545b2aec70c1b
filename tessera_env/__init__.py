"""Gymnasium environment for scheduling GPU work on spot instances.

Importing this package registers the environments and reads no file; the simulator is imported when one is made.
"""

from gymnasium.envs.registration import register

__version__ = "0.1.0"

ENVIRONMENTS = {
    "Tessera/Classic-v0": "classic",
    "Tessera/Fleet-v0": "fleet",
    "Tessera/FleetMixed-v0": "fleet-mixed",
    "Tessera/Deadline-v0": "deadline",
    "Tessera/DeadlineAWS-v0": "deadline-aws",
    "Tessera/CantBeLate-v0": "cant-be-late",
    "Tessera/Service-v0": "service",
    "Tessera/ServiceSpotHedge-v0": "service-spothedge",
}

for _id, _scenario in ENVIRONMENTS.items():
    register(
        id=_id,
        entry_point="tessera_env.env:TesseraEnv",
        vector_entry_point="tessera_env.vector_env:TesseraVectorEnv",
        kwargs={"scenario": _scenario},
    )
