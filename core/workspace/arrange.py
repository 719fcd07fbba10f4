"""Creates, renames, moves, copies and deletes what is in a workspace, and keeps the order in `folder.toml` in step."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from core.errors import FileError
from core.models import Environment, Folder, Request
from core.toml import file as tomlfile
from core.workspace.filenames import safe_stem, unique_stem
from core.workspace.tree import FOLDER_FILE

if TYPE_CHECKING:
    from core.workspace.workspace import Workspace

BASE = "base"

Order = Sequence[str]


def create_request(workspace: Workspace, folder: str, name: str, request: Request) -> str:
    ref = _new_ref(workspace, folder, safe_stem(name, otherwise="request"))
    workspace.save_request(ref, replace(request, name=name))
    _reorder(workspace, folder, lambda order: [*order, _stem(ref)])
    return ref


def create_folder(workspace: Workspace, parent: str, name: str) -> str:
    ref = _new_ref(workspace, parent, safe_stem(name, otherwise="folder-1"))
    workspace.save_folder(ref, Folder(name=name))
    _reorder(workspace, parent, lambda order: [*order, _stem(ref)])
    return ref


def rename(workspace: Workspace, ref: str, name: str) -> str:
    parent, stem = _split(ref)
    is_folder = is_folder_at(workspace, ref)
    safe = safe_stem(name, otherwise="folder-1" if is_folder else "request")
    new = _join(parent, unique_stem(safe, taken(workspace, parent) - {stem, f"{stem}.toml"}))
    before = relabel(workspace, ref, lambda _: name, is_folder)
    if new != ref:
        old_path, new_path = path_of(workspace, ref, is_folder), path_of(workspace, new, is_folder)
        try:
            move_file(old_path, new_path)
        except FileError:
            relabel(workspace, ref, lambda _: before, is_folder)
            raise
        with _or_back(old_path, new_path):
            _reorder(workspace, parent, lambda order: [_stem(new) if listed == stem else listed for listed in order])
    return new


def move(workspace: Workspace, ref: str, folder: str, position: int | None) -> str:
    parent, stem = _split(ref)
    is_folder = is_folder_at(workspace, ref)
    if is_folder and (folder == ref or folder.startswith(f"{ref}/")):
        raise FileError("cannot be moved into itself", path=path_of(workspace, ref, is_folder))
    if not is_folder_at(workspace, folder):
        raise FileError("is no folder", path=workspace.request_path(folder))
    workspace.load_folder(folder)
    siblings = [listed for listed in _listed(workspace, folder) if (folder, listed) != (parent, stem)]
    new = ref if folder == parent else _new_ref(workspace, folder, stem)
    old_path, new_path = path_of(workspace, ref, is_folder), path_of(workspace, new, is_folder)
    if new != ref:
        move_file(old_path, new_path)
    with _or_back(old_path, new_path):
        if position is not None or folder == parent:
            place = len(siblings) if position is None else max(0, position)
            siblings.insert(place, _stem(new))
            workspace.save_folder(folder, replace(workspace.load_folder(folder), order=tuple(siblings)))
        else:
            _reorder(workspace, folder, lambda order: [*order, _stem(new)])
        if new != ref:
            _reorder(workspace, parent, lambda order: [listed for listed in order if listed != stem])
    return new


def copy(workspace: Workspace, ref: str) -> str:
    parent, stem = _split(ref)
    is_folder = is_folder_at(workspace, ref)
    new = _new_ref(workspace, parent, f"{stem}-copy")
    old_path, new_path = path_of(workspace, ref, is_folder), path_of(workspace, new, is_folder)
    try:
        if is_folder:
            shutil.copytree(old_path, new_path, symlinks=True)
        else:
            shutil.copyfile(old_path, new_path)
    except (OSError, shutil.Error) as error:
        with suppress(FileError):
            remove(new_path)
        raise FileError(f"cannot be copied: {copy_reason(error)}", path=old_path) from error
    relabel(workspace, new, lambda label: f"{label} (copy)" if label else "", is_folder)

    def beside(order: Order) -> Order:
        place = order.index(stem) + 1 if stem in order else len(order)
        return [*order[:place], _stem(new), *order[place:]]

    _reorder(workspace, parent, beside)
    return new


def delete(workspace: Workspace, ref: str) -> None:
    remove(path_of(workspace, ref, is_folder_at(workspace, ref)))
    unlist(workspace, ref)


def unlist(workspace: Workspace, ref: str) -> None:
    """Take what is gone out of its folder's order."""
    parent, stem = _split(ref)
    _reorder(workspace, parent, lambda order: [listed for listed in order if listed != stem])


def create_environment(workspace: Workspace, name: str, environment: Environment) -> str:
    stem = unique_stem(safe_stem(name, otherwise="environment"), workspace.environments())
    workspace.save_environment(stem, replace(environment, name=name))
    return stem


def rename_environment(workspace: Workspace, old: str, name: str) -> str:
    workspace.save_environment(old, replace(workspace.load_environment(old), name=name))
    if old == BASE:
        return old
    others = set(workspace.environments()) - {old}
    stem = unique_stem(safe_stem(name, otherwise="environment"), others)
    if stem != old:
        move_file(workspace.environment_path(old), workspace.environment_path(stem))
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
    path = workspace.environment_path(name)
    if name == BASE:
        raise FileError("the base environment is always there", path=path, hint="delete its variables instead")
    if not os.path.lexists(path):
        raise FileError("does not exist", path=path)
    remove(path)


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


def is_folder_at(workspace: Workspace, ref: str) -> bool:
    if not ref:
        return True
    folder = _folder(workspace, ref)
    file = folder.with_name(f"{folder.name}.toml")
    if file.name != FOLDER_FILE and os.path.lexists(file) and not file.is_dir():
        return False
    if os.path.lexists(folder):
        return True
    raise FileError("does not exist", path=file)


def path_of(workspace: Workspace, ref: str, is_folder: bool) -> Path:
    """Of the file or folder itself, in a place that is inside the workspace."""
    if not ref:
        raise FileError("is the workspace's own folder", path=workspace.path / "requests")
    path = _folder(workspace, ref) if is_folder else workspace.request_path(ref)
    workspace.check_inside(path.parent)
    return path


def _folder(workspace: Workspace, ref: str) -> Path:
    return workspace.folder_path(ref).parent


def relabel(workspace: Workspace, ref: str, change: Callable[[str], str], is_folder: bool) -> str:
    """Returns the label before. A file that cannot be read keeps the label it has: it can be renamed and copied all
    the same."""
    try:
        named: Folder | Request = workspace.load_folder(ref) if is_folder else workspace.load_request(ref)
    except FileError:
        return ""
    if (name := change(named.name)) == named.name:
        return name
    if isinstance(named, Folder):
        workspace.save_folder(ref, replace(named, name=name))
    else:
        workspace.save_request(ref, replace(named, name=name))
    return named.name


@contextmanager
def _or_back(old: Path, new: Path) -> Iterator[None]:
    """What has changed its place goes back when what has to follow it fails."""
    try:
        yield
    except FileError:
        if new != old:
            with suppress(FileError):
                move_file(new, old)
        raise


def move_file(old: Path, new: Path) -> None:
    if os.path.lexists(new) and not new.samefile(old):
        raise FileError("exists already", path=new)
    try:
        old.rename(new)
    except OSError as error:
        raise FileError(f"cannot be renamed: {tomlfile.reason(error)}", path=old) from error


def _reorder(workspace: Workspace, folder: str, change: Callable[[Order], Order]) -> None:
    """Keep a listed order in step; a folder without one stays without, and a stale entry in one does no harm."""
    try:
        own = workspace.load_folder(folder)
    except FileError:
        return
    if own.order and (order := tuple(change(own.order))) != own.order:
        workspace.save_folder(folder, replace(own, order=order))


def _new_ref(workspace: Workspace, folder: str, stem: str) -> str:
    return _join(folder, unique_stem(stem, taken(workspace, folder)))


def taken(workspace: Workspace, folder: str) -> set[str]:
    """Stems that a new neighbour cannot have: a request and a folder may not share one, as values are kept by it."""
    path = workspace.check_inside(_folder(workspace, folder))
    names = {Path(FOLDER_FILE).stem}
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                names |= {entry.name, entry.name.removesuffix(".toml")}
    except FileNotFoundError:
        pass
    except OSError as error:
        raise FileError(f"cannot be read: {tomlfile.reason(error)}", path=path) from error
    return names


def _listed(workspace: Workspace, folder: str) -> list[str]:
    """Stems of what is in a folder, as shown."""
    nodes = workspace.tree()
    for part in folder.split("/") if folder else ():
        nodes = next((node.children for node in nodes if node.kind == "folder" and node.stem == part), ())
    return [node.stem for node in nodes]


def _split(ref: str) -> tuple[str, str]:
    parent, _, stem = ref.rpartition("/")
    return parent, stem


def _join(folder: str, stem: str) -> str:
    return f"{folder}/{stem}" if folder else stem


def _stem(ref: str) -> str:
    return _split(ref)[1]
