"""An import contract of our own, for import-linter: what a sub-package does not name is private to it.

A sub-package is a package two or more levels below `speakerd`, such as `speakerd.audio.capture`. Its `__init__`
names what others may take; its modules may be imported by nobody outside it. `pyproject.toml` names this class
under `contract_types`.
"""

from typing import Final

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

LEVELS: Final = 3
"""Parts in the dotted name of a sub-package: the root, the room, the sub-package."""


def sub_package_of(module: str, packages: set[str]) -> str | None:
    """The outermost sub-package that `module` lies in, if it is a module inside one and not the package itself."""
    name = ".".join(module.split(".")[:LEVELS])
    return name if name in packages and module != name else None


class SealedContract(Contract):
    """Modules of a sub-package are imported by modules of the same sub-package only.

    Options:
        open_packages: Sub-packages that are exempt.
    """

    type_name = "sealed"

    open_packages = fields.SetField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002  # the base class's signature
        """Look at every direct import, type-only ones included."""
        exempt: set[str] = set(self.open_packages or ())  # type: ignore[arg-type, truthy-bool]  # a descriptor to mypy, a set at run time
        packages = {
            name
            for module in graph.modules
            if len((name := module).split(".")) == LEVELS and graph.find_children(name)
        } - exempt
        broken = [
            f"{importer} imports {module}: take it from {package}"
            for module in sorted(graph.modules)
            if (package := sub_package_of(module, packages)) is not None
            for importer in sorted(graph.find_modules_that_directly_import(module))
            if importer != package and not importer.startswith(package + ".")
        ]
        broken += [f"{name} is open to all, and does not exist" for name in sorted(exempt - graph.modules)]
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print each import that goes past an `__init__`."""
        for line in check.metadata["broken"]:
            output.print_error(line, bold=False)
