"""A service's requests, played after the run against the lives of its replicas."""

from tessera_env.requests.making import replicas_of, requests_of
from tessera_env.requests.playing import play_requests
from tessera_env.requests.settings import RequestSettings
from tessera_env.requests.summary import summary_of

__all__ = ["RequestSettings", "play_requests", "replicas_of", "requests_of", "summary_of"]
