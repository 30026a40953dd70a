"""`python -m spark_ext conf [--format submit] [option=value …]` prints what a Spark without Python code needs."""

from __future__ import annotations

import argparse
import shlex
import sys

from spark_ext import SparkSetupError, conf


def _option(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not like cache_dir=/ssd/cache")
    return name, value


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m spark_ext")
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("conf", help="print the properties for spark-defaults.conf or spark-submit")
    command.add_argument("--format", choices=("defaults", "submit"), default="defaults")
    command.add_argument("--master", help="spark.master, if it is known (yarn needs one more entry)")
    command.add_argument("options", nargs="*", type=_option, metavar="option=value", help="such as disk=200GiB")
    return parser.parse_args()


def main() -> None:
    arguments = _arguments()
    try:
        properties = conf(arguments.master, **dict(arguments.options))
    except (ValueError, SparkSetupError) as error:
        sys.exit(f"error: {error}")
    for key, value in properties.items():
        print(f"--conf {shlex.quote(f'{key}={value}')}" if arguments.format == "submit" else f"{key} {value}")


if __name__ == "__main__":
    main()
