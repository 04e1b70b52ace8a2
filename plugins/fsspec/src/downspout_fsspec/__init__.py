"""Documents in clouds as files of fsspec: `downspout://ACCOUNT:DOCUMENT`."""

from downspout_fsspec._filesystem import DownspoutFileSystem

__all__ = ["DownspoutFileSystem"]
