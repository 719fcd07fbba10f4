"""Creates, renames, moves, copies and deletes what is in a workspace, and keeps the order in `folder.toml` in step."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from core import tomlfile
from core.errors import FileError
from core.filenames import safe_stem, unique_stem
from core.models import Environment, Folder, Request
from core.tree import FOLDER_FILE

if TYPE_CHECKING:
    from core.workspace import Workspace

BASE = "base"


def create_request(workspace: Workspace, folder: str, name: str, request: Request) -> str:
    ref = _new_ref(workspace, folder, name, otherwise="request")
    workspace.save_request(ref, replace(request, name=name))
    _append_to_order(workspace, folder, _stem(ref))
    return ref


def create_folder(workspace: Workspace, parent: str, name: str) -> str:
    ref = _new_ref(workspace, parent, name, otherwise="folder-1")
    workspace.save_folder(ref, Folder(name=name))
    _append_to_order(workspace, parent, _stem(ref))
    return ref


def rename(workspace: Workspace, ref: str, name: str) -> str:
    parent, stem = _split(ref)
    is_folder = _is_folder(workspace, ref)
    order = workspace.load_folder(parent)
    taken = _taken(workspace, parent) - {stem}
    new = _join(parent, unique_stem(safe_stem(name, otherwise=_fallback(is_folder)), taken))
    _relabel(workspace, ref, name, is_folder)
    if new != ref:
        _move_file(_path(workspace, ref, is_folder), _path(workspace, new, is_folder))
        if stem in order.order:
            swapped = tuple(_stem(new) if listed == stem else listed for listed in order.order)
            workspace.save_folder(parent, replace(order, order=swapped))
    return new


def move(workspace: Workspace, ref: str, folder: str, position: int | None) -> str:
    parent, stem = _split(ref)
    is_folder = _is_folder(workspace, ref)
    if is_folder and (folder == ref or folder.startswith(f"{ref}/")):
        raise FileError("cannot be moved into itself", path=_path(workspace, ref, is_folder))
    if folder and not _is_folder(workspace, folder):
        raise FileError("is no folder", path=_path(workspace, folder, is_folder=False))
    target, source = workspace.load_folder(folder), workspace.load_folder(parent)
    siblings = [found for found in _listed(workspace, folder) if (folder, found) != (parent, stem)]
    new = ref if folder == parent else _join(folder, unique_stem(stem, _taken(workspace, folder)))
    if new != ref:
        _move_file(_path(workspace, ref, is_folder), _path(workspace, new, is_folder))
        if stem in source.order:
            workspace.save_folder(parent, replace(source, order=tuple(s for s in source.order if s != stem)))
    if position is not None:
        siblings.insert(max(0, position), _stem(new))
        workspace.save_folder(folder, replace(target, order=tuple(siblings)))
    elif folder == parent:
        workspace.save_folder(folder, replace(target, order=(*siblings, stem)))
    elif target.order:
        workspace.save_folder(folder, replace(target, order=(*target.order, _stem(new))))
    return new


def copy(workspace: Workspace, ref: str) -> str:
    parent, stem = _split(ref)
    is_folder = _is_folder(workspace, ref)
    folder = workspace.load_folder(parent)
    new = _join(parent, unique_stem(f"{stem}-copy", _taken(workspace, parent)))
    old_path, new_path = _path(workspace, ref, is_folder), _path(workspace, new, is_folder)
    try:
        if is_folder:
            shutil.copytree(old_path, new_path, symlinks=True)
        else:
            tomlfile.write_atomic(new_path, old_path.read_bytes())
    except (OSError, shutil.Error) as error:
        raise FileError(f"cannot be copied: {copy_reason(error)}", path=old_path) from error
    _relabel(workspace, new, None, is_folder)
    if stem in folder.order:
        place = folder.order.index(stem) + 1
        order = (*folder.order[:place], _stem(new), *folder.order[place:])
        workspace.save_folder(parent, replace(folder, order=order))
    return new


def delete(workspace: Workspace, ref: str) -> None:
    parent, stem = _split(ref)
    folder = workspace.load_folder(parent)
    remove(_path(workspace, ref, _is_folder(workspace, ref)))
    if stem in folder.order:
        workspace.save_folder(parent, replace(folder, order=tuple(s for s in folder.order if s != stem)))


def create_environment(workspace: Workspace, name: str, environment: Environment) -> str:
    stem = unique_stem(safe_stem(name, otherwise="environment"), workspace.environments())
    workspace.save_environment(stem, replace(environment, name=name))
    return stem


def rename_environment(workspace: Workspace, old: str, name: str) -> str:
    environment = workspace.load_environment(old)
    if old == BASE:
        workspace.save_environment(old, replace(environment, name=name))
        return old
    taken = set(workspace.environments()) - {old}
    stem = unique_stem(safe_stem(name, otherwise="environment"), taken)
    workspace.save_environment(old, replace(environment, name=name))
    if stem != old:
        _move_file(workspace.environment_path(old), workspace.environment_path(stem))
    return stem


def copy_environment(workspace: Workspace, name: str) -> str:
    environment = workspace.load_environment(name)
    stem = unique_stem(f"{name}-copy", workspace.environments())
    path = workspace.environment_path(name)
    if path.exists():
        tomlfile.write_atomic(workspace.environment_path(stem), path.read_bytes())
    workspace.save_environment(stem, replace(environment, name=f"{environment.name or name} (copy)"))
    return stem


def delete_environment(workspace: Workspace, name: str) -> None:
    workspace.load_environment(name) if name == BASE else None
    if name == BASE:
        raise FileError("the base environment is always there", path=workspace.environment_path(name))
    remove(workspace.environment_path(name))


def remove(path: Path) -> None:
    """Delete a file, or a folder with all in it; a symbolic link itself, never what it leads to."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise FileError(f"cannot be deleted: {tomlfile.reason(error)}", path=path) from error


def copy_reason(error: OSError) -> str:
    """shutil.Error holds a list of what went wrong, with no errno of its own."""
    if isinstance(error, shutil.Error) and error.args and isinstance(error.args[0], list):
        return str(error.args[0][0][2])
    return tomlfile.reason(error)


def _is_folder(workspace: Workspace, ref: str) -> bool:
    if ref and workspace.request_path(ref).is_file():
        return False
    if workspace.folder_path(ref).parent.is_dir():
        return True
    raise FileError("does not exist", path=workspace.request_path(ref))


def _path(workspace: Workspace, ref: str, is_folder: bool) -> Path:
    path = workspace.folder_path(ref).parent if is_folder else workspace.request_path(ref)
    if is_folder and not ref:
        raise FileError("is the workspace's own folder", path=path)
    return path


def _relabel(workspace: Workspace, ref: str, name: str | None, is_folder: bool) -> None:
    """Give the label; None marks the present one as a copy's. A file that cannot be read keeps what it has."""
    try:
        if is_folder:
            folder = workspace.load_folder(ref)
            if name is not None or folder.name:
                workspace.save_folder(ref, replace(folder, name=name or f"{folder.name} (copy)"))
        else:
            request = workspace.load_request(ref)
            if name is not None or request.name:
                workspace.save_request(ref, replace(request, name=name or f"{request.name} (copy)"))
    except FileError:
        return


def _move_file(old: Path, new: Path) -> None:
    if new.exists() and not new.samefile(old):
        raise FileError("exists already", path=new)
    try:
        old.rename(new)
    except OSError as error:
        raise FileError(f"cannot be renamed: {tomlfile.reason(error)}", path=old) from error


def _new_ref(workspace: Workspace, folder: str, name: str, *, otherwise: str) -> str:
    workspace.load_folder(folder)
    stem = safe_stem(name, otherwise=otherwise)
    return _join(folder, unique_stem(stem, _taken(workspace, folder)))


def _taken(workspace: Workspace, folder: str) -> set[str]:
    """Stems that a new neighbour cannot have: a request and a folder may not share one, as values are kept by it."""
    path = workspace.folder_path(folder).parent
    names = {Path(FOLDER_FILE).stem}
    if path.is_dir():
        names.update(entry.stem if entry.suffix == ".toml" else entry.name for entry in path.iterdir())
    return names


def _listed(workspace: Workspace, folder: str) -> list[str]:
    """Stems of what is in a folder, as shown."""
    nodes = workspace.tree()
    for part in folder.split("/") if folder else ():
        nodes = next((node.children for node in nodes if node.kind == "folder" and node.stem == part), ())
    return [node.stem for node in nodes]


def _append_to_order(workspace: Workspace, folder: str, stem: str) -> None:
    own = workspace.load_folder(folder)
    if own.order:
        workspace.save_folder(folder, replace(own, order=(*own.order, stem)))


def _fallback(is_folder: bool) -> str:
    return "folder-1" if is_folder else "request"


def _split(ref: str) -> tuple[str, str]:
    parent, _, stem = ref.rpartition("/")
    return parent, stem


def _join(folder: str, stem: str) -> str:
    return f"{folder}/{stem}" if folder else stem


def _stem(ref: str) -> str:
    return _split(ref)[1]
