"""Check that Docker and Lambda's base image are available."""

import subprocess

from bench.lambda_image import IMAGE, NoDocker


def need_image() -> None:
    """Pull Lambda's base image if it is missing. Raises NoDocker if that fails."""
    for command in ("inspect", "pull"):
        try:
            if not subprocess.run(["docker", "image", command, IMAGE], capture_output=True, check=False).returncode:
                return
        except FileNotFoundError as error:
            raise NoDocker("install Docker, and start it") from error
    raise NoDocker(f"start Docker; the image {IMAGE} is missing and cannot be pulled")
