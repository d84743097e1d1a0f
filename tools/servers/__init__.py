"""Comes by the servers of the stacks that are not the default one, unmodified, each on its first use and once for each user."""

from tools.servers.ways import SERVERS, obtain_java, obtain_server

__all__ = ["SERVERS", "obtain_java", "obtain_server"]
