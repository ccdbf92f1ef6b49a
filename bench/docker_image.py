"""Whether Lambda's image is here, to measure in."""

import subprocess

from bench.lambda_image import IMAGE, NoDocker


def need_image() -> None:
    """Raises NoDocker if Lambda's image is not here and cannot be had."""
    for command in ("inspect", "pull"):
        try:
            if not subprocess.run(["docker", "image", command, IMAGE], capture_output=True, check=False).returncode:
                return
        except FileNotFoundError as error:
            raise NoDocker("install Docker, and start it") from error
    raise NoDocker(f"start Docker; the image {IMAGE} is not here and cannot be pulled")
