"""One table of all key bindings: the screens take theirs from it, help and the palette show it, settings may remap it.

A row's `name` is what stands in settings.toml under `[keys]`; `none` there takes the keys of an action away.
Defaults avoid ctrl with h i j m [ (the same bytes as other keys), a b (screen, tmux) and q s z (job and flow control),
apart from ctrl+s, which f9 stands in for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from textual.binding import Binding, BindingType


@dataclass(frozen=True)
class Key:
    """One action and its default keys, several separated by commas."""

    name: str
    keys: str
    action: str
    label: str
    """What the footer says; short."""
    help: str = ""
    """What the help and the palette say; the label where it is empty."""
    show: bool = False
    """In the footer while it can be used."""
    priority: bool = False
    """Before the focused widget: only for keys that no text field needs."""
    palette: bool = True

    @property
    def place(self) -> str:
        return self.name.partition(".")[0]

    @property
    def sentence(self) -> str:
        return self.help or self.label


PLACES: Mapping[str, str] = {
    "app": "everywhere",
    "requests": "requests",
    "method": "method of a request",
    "tree": "request tree",
    "table": "table of names and values",
    "variables": "variables of a request or folder",
    "scripts": "scripts of a request or folder",
    "response": "response",
    "text": "text of a response",
    "workspaces": "workspaces",
    "environments": "environments",
    "credentials": "credentials",
    "details": "linked-secret details",
    "cookies": "cookie jar",
    "history": "history",
    "runner": "runner",
    "pick": "what runs",
    "settings": "settings",
    "preview": "preview of a request",
    "dialog": "dialogs",
    "lines": "text of several lines",
    "jump": "jump mode",
    "allowed": "what a workspace may do",
    "broken": "file that cannot be read",
}

APP = (
    Key("app.help", "f1", "app.help", "Help", "keys of this screen and what it is for", show=True, priority=True),
    Key("app.workspaces", "f2", "app.mode('workspaces')", "Workspaces", "go to the workspaces", priority=True),
    Key("app.requests", "f3", "app.mode('requests')", "Requests", "go to the requests", priority=True),
    Key("app.environments", "f4", "app.mode('environments')", "Environments", "go to the environments", priority=True),
    Key("app.credentials", "f5", "app.mode('credentials')", "Credentials", "go to the credentials", priority=True),
    Key("app.history", "f6", "app.mode('history')", "History", "go to the history", priority=True),
    Key("app.runner", "f7", "app.mode('runner')", "Runner", "go to the runner", priority=True),
    Key("app.settings", "f8", "app.mode('settings')", "Settings", "go to the settings", priority=True),
    Key("app.environment", "ctrl+t", "app.environment", "Environment", "switch the environment", priority=True),
    Key("app.find", "ctrl+f", "app.find", "Find", "find a request by its name, method or address", priority=True),
    Key("app.jump", "ctrl+g", "app.jump", "Jump", "jump to a part of the screen by its letter", priority=True),
    Key("app.palette", "ctrl+p", "app.palette", "Palette", "every action by name", show=True, priority=True),
    Key(
        "app.allowed",
        "alt+w",
        "app.allowed",
        "Allowed",
        "what this workspace may do: credentials, hosts, scripts, files; take it back",
        priority=True,
    ),
    Key("app.lock", "ctrl+l", "app.lock", "Lock", "lock the credential store, or unlock it", priority=True),
    Key("app.repaint", "alt+l", "app.repaint", "Repaint", "draw the whole screen anew", priority=True),
    Key("app.suspend", "alt+s", "app.suspend", "Suspend", "go back to the shell; there `fg` comes back", priority=True),
    Key("app.quit", "ctrl+c", "app.quit_or_copy", "Quit", "copy the selected text, else quit", priority=False),
    Key("app.plain_help", "1", "app.help", "Help", palette=False),
    Key("app.plain_workspaces", "2", "app.mode('workspaces')", "Workspaces", palette=False),
    Key("app.plain_requests", "3", "app.mode('requests')", "Requests", palette=False),
    Key("app.plain_environments", "4", "app.mode('environments')", "Environments", palette=False),
    Key("app.plain_credentials", "5", "app.mode('credentials')", "Credentials", palette=False),
    Key("app.plain_history", "6", "app.mode('history')", "History", palette=False),
    Key("app.plain_runner", "7", "app.mode('runner')", "Runner", palette=False),
    Key("app.plain_settings", "8", "app.mode('settings')", "Settings", palette=False),
    Key("app.plain_quit", "q", "app.ask_quit", "Quit", palette=False),
)

PREVIEW = (Key("preview.curl", "c", "copy_curl", "Copy as curl", "copy it as a curl command", show=True),)
DIALOG = (Key("dialog.cancel", "escape", "cancel", "Cancel", "close without doing anything", show=True, palette=False),)
TEXT_DIALOG = (
    Key("lines.take", "f9,ctrl+s", "take", "Take", "take the text", show=True, priority=True, palette=False),
    Key("lines.outside", "alt+e", "outside", "Editor", "edit the text in your own editor", show=True, palette=False),
)
CONFIRM = (
    Key("dialog.yes", "y", "yes", "Yes", "say yes to a question", show=True, palette=False),
    Key("dialog.no", "n", "cancel", "No", "say no to a question", show=True, palette=False),
)
CLOSE = (Key("dialog.close", "escape,q", "cancel", "Close", "close what is only shown", show=True, palette=False),)
ALLOWED = (Key("allowed.revoke", "d,delete,x", "revoke", "Take back", "take it back", show=True, palette=False),)
BROKEN = (
    Key("broken.edit", "e", "edit", "Editor", "open the file in your own editor, then read it again", show=True),
    Key("broken.again", "r", "again", "Read again", "read the file again", show=True),
)
JUMP = (Key("jump.leave", "escape", "cancel", "Stay", "stay where you are", show=True, palette=False),)

WORKSPACES = (
    Key("workspaces.create", "n", "create", "New", "new workspace", show=True),
    Key("workspaces.open", "o", "open", "Open folder", "open a workspace that is on this disk", show=True),
    Key("workspaces.rename", "r", "rename", "Rename", "rename the workspace", show=True),
    Key("workspaces.duplicate", "c", "duplicate", "Copy", "duplicate the workspace", show=True),
    Key("workspaces.forget", "x", "forget", "Forget", "take the workspace off the list; its files stay", show=True),
    Key("workspaces.delete", "d,delete", "delete", "Delete", "delete the workspace's files", show=True),
)
REQUESTS = (
    Key("requests.send", "ctrl+r", "send", "Send", "send the request", show=True, priority=True),
    Key("requests.save", "f9,ctrl+s", "save", "Save", "save the request", show=True, priority=True),
    Key(
        "requests.cancel",
        "escape",
        "cancel",
        "Back",
        "cancel what is being sent, else go back to the tree",
        show=True,
        palette=False,
    ),
    Key("requests.next_tab", "alt+right,ctrl+pagedown", "tab(1)", "Tab", "next tab of the editor", show=True),
    Key("requests.previous_tab", "alt+left,ctrl+pageup", "tab(-1)", "Previous tab", "previous tab of the editor"),
    Key(
        "requests.zoom",
        "ctrl+o,f11",
        "zoom",
        "Zoom",
        "give the focused pane the whole room, or give it back",
        show=True,
    ),
    Key("requests.address", "alt+u", "go('address')", "Address", "go to the address"),
    Key("requests.response", "alt+r", "go('response')", "Response", "go to the response"),
    Key("requests.tree", "alt+t", "toggle_tree", "Tree", "hide the request tree, or show it"),
    Key(
        "requests.preview", "alt+p", "preview", "Preview", "show the request as it will be sent, with names of secrets"
    ),
    Key("requests.cookies", "alt+k", "cookies", "Cookies", "show the cookie jar, and edit it"),
    Key("requests.query", "alt+q", "query_rows", "Query rows", "make rows of the query that stands in the address"),
    Key("requests.bigger", "alt+full_stop", "resize_pane(1)", "Bigger", "give the focused pane more room"),
    Key("requests.smaller", "alt+comma", "resize_pane(-1)", "Smaller", "give the focused pane less room"),
    Key("requests.editor", "alt+e", "edit_body", "Editor", "edit the body in your own editor"),
    Key("requests.curl", "alt+c", "copy_curl", "curl", "copy the request as a curl command, with names of secrets"),
    Key("requests.revert", "alt+z", "revert", "Revert", "throw away unsaved edits of the request"),
)
METHOD = (Key("method.choose", "enter", "choose", "Choose", "choose the method from a list", show=True, palette=False),)
TREE = (
    Key("tree.open", "enter", "pick", "Open", "open the request, or the folder", show=True, palette=False),
    Key(
        "tree.find", "/", "app.find", "Find", "find a request by its name, method or address", show=True, palette=False
    ),
    Key("tree.new", "n", "ask('new')", "New", "new request", show=True),
    Key("tree.folder", "f", "ask('new_folder')", "Folder", "new folder", show=True),
    Key("tree.settings", "e", "ask('settings')", "Settings", "what the requests of the folder inherit", show=True),
    Key("tree.all_settings", "E", "ask('all_settings')", "All requests", "what all requests inherit"),
    Key("tree.rename", "r", "ask('rename')", "Rename", "rename the request or folder", show=True),
    Key("tree.duplicate", "c", "ask('duplicate')", "Copy", "duplicate the request or folder"),
    Key("tree.move", "m", "ask('move')", "Move", "move the request or folder to another folder", show=True),
    Key("tree.up", "alt+up,K", "ask('up')", "Up", "move the request or folder up"),
    Key("tree.down", "alt+down,J", "ask('down')", "Down", "move the request or folder down"),
    Key("tree.run", "g", "ask('run')", "Run", "go to the runner with the request or folder", show=True),
    Key("tree.delete", "d,delete", "ask('delete')", "Delete", "delete the request or folder", show=True),
    Key("tree.undo", "u", "ask('undo')", "Undo", "take back the last change of the request tree", show=True),
    Key("tree.redo", "U", "ask('redo')", "Redo", "do again what was taken back in the request tree"),
)
TABLE = (
    Key("table.edit", "enter", "edit", "Edit", "edit the cell", show=True, palette=False),
    Key("table.add", "n,insert", "add", "New", "new row", show=True),
    Key("table.delete", "d,delete", "delete", "Delete", "delete the row", show=True),
    Key("table.switch", "space", "switch", "On/off", "switch the row on or off, or to its next value", show=True),
    Key("table.rows", "t", "rows", "As text", "edit all rows as text, a row a line", show=True),
    Key("table.whole", "e,alt+e", "whole", "Larger", "edit the cell's text in a larger field, or in your editor"),
    Key("table.undo", "z", "undo", "Undo", "take back the last change of the rows", show=True),
    Key("table.up", "alt+up,K", "shift(-1)", "Up", "move the row up"),
    Key("table.down", "alt+down,J", "shift(1)", "Down", "move the row down"),
)
VARIABLES = (
    Key("variables.edit", "v", "ask('edit')", "All of it", "the variable with its kind and rules", show=True),
    Key("variables.secret", "s", "ask('secret')", "Secret", "make it a secret, or set the secret's value", show=True),
    Key("variables.link", "l", "ask('link')", "Link", "link the variable to a secret of a vault", show=True),
    Key("variables.unlink", "u", "ask('unlink')", "Unlink", "forget the link"),
    Key("variables.details", "i", "ask('details')", "Details", "details of the linked secret", show=True),
    Key("variables.rename", "r", "ask('rename')", "Rename", "rename the variable; its stored value goes along"),
)
SCRIPTS = (Key("scripts.open", "o", "open", "Open", "open the script in your editor, or make it", show=True),)
TEXT = (
    Key("text.search", "/", "search", "Search", "search the text", show=True),
    Key("text.next", "n", "match(1)", "Next", "next match"),
    Key("text.previous", "N", "match(-1)", "Previous", "previous match"),
    Key("text.wrap", "w", "wrap", "Wrap", "wrap long lines, or cut them"),
    Key("text.copy", "c,y", "copy", "Copy", "copy the text as shown", show=True),
    Key("text.page", "p", "page", "Pager", "read the text in your own pager"),
)
RESPONSE = (
    Key(
        "response.filter",
        "f",
        "filter",
        "Filter",
        "show what a JSONPath, an XPath or a command finds in the body",
        show=True,
    ),
    Key("response.raw", "r", "raw", "Raw", "show the body as received, or laid out", show=True),
    Key("response.hex", "x", "hex", "Hex", "show the body's bytes, or its text or picture"),
    Key("response.check", "a", "want('check')", "Check", "make a check of the status, or of what the JSONPath finds"),
    Key("response.capture", "v", "want('capture')", "Capture", "make a variable of what the JSONPath finds"),
    Key("response.save", "s", "save", "Save", "save the body as received", show=True),
    Key("response.jar", "e", "jar", "Cookie jar", "show the cookie jar, and edit it", show=True, palette=False),
    Key("response.next_tab", "right_square_bracket", "tab(1)", "Next tab", "next tab of the response"),
    Key("response.previous_tab", "left_square_bracket", "tab(-1)", "Previous tab", "previous tab of the response"),
    Key("response.back", "escape", "back", "Back", "end the filter or the search", palette=False),
)
ENVIRONMENTS = (
    Key("environments.activate", "space", "activate", "Use", "make the environment the active one", show=True),
    Key(
        "environments.new", "n", "new", "New", "new variable; in the list of environments a new one of them", show=True
    ),
    Key("environments.copy", "c", "copy_environment", "Copy", "duplicate the environment", show=True),
    Key("environments.color", "C", "color", "Colour", "give the environment a colour", show=True),
    Key("environments.add", "a", "add", "Add", "new variable"),
    Key("environments.edit", "e", "edit", "Edit", "edit the variable", show=True),
    Key("environments.secret", "s", "secret", "Secret", "make it a secret, or set the secret's value", show=True),
    Key("environments.link", "l", "link", "Link", "link the variable to a secret of a vault", show=True),
    Key("environments.unlink", "u", "unlink", "Unlink", "forget the link"),
    Key("environments.details", "i", "details", "Details", "details of the linked secret", show=True),
    Key("environments.toggle", "o", "switch", "On/off", "switch the variable off or on", show=True),
    Key("environments.rename", "r", "rename", "Rename", "rename the variable or the environment", show=True),
    Key("environments.delete", "d,delete,x", "delete", "Delete", "delete the variable or the environment", show=True),
)
CREDENTIALS = (
    Key("credentials.stop", "escape", "stop", "Stop", "stop logging in", show=True),
    Key("credentials.add", "n,a", "add", "New", "new credential", show=True),
    Key("credentials.edit", "e", "edit", "Edit", "edit the credential", show=True),
    Key("credentials.test", "t", "test", "Test", "log in with the credential and show its identity", show=True),
    Key("credentials.login", "l", "login", "Log in", "log in again"),
    Key("credentials.logout", "o", "logout", "Log out", "forget the login and its cached secrets", show=True),
    Key("credentials.delete", "d,delete,x", "delete", "Delete", "delete the credential from the store", show=True),
    Key("credentials.reset", "r", "reset", "Reset", "forget this cached secret", show=True),
    Key("credentials.reset_all", "R", "reset_all", "Reset all", "forget all cached secrets", show=True),
    Key(
        "credentials.allowed",
        "w",
        "app.allowed",
        "Allowed",
        "what this workspace may do; take it back",
        show=True,
        palette=False,
    ),
    Key("credentials.minutes", "m", "minutes", "Keep", "how long fetched secrets are kept", show=True),
)
DETAILS = (
    Key("details.close", "escape", "cancel", "Close", "hide the value, or close", show=True, palette=False),
    Key("details.reveal", "v", "reveal", "Show", "show the value for ten seconds, or hide it", show=True),
    Key("details.copy", "c", "copy", "Copy", "copy the value, after a question", show=True),
    Key("details.refresh", "r", "refresh", "Fetch", "fetch the secret anew", show=True),
    Key("details.relink", "l", "relink", "Relink", "link the variable to another secret", show=True),
    Key("details.login", "a", "login", "Log in", "log in again with its credential", show=True),
)
COOKIES = (
    Key("cookies.close", "escape", "cancel", "Close", "close the cookie jar", show=True, palette=False),
    Key("cookies.add", "n,a", "add", "New", "new cookie", show=True),
    Key("cookies.edit", "e", "edit", "Edit", "edit the cookie", show=True),
    Key("cookies.reveal", "v", "reveal", "Show", "show the cookie's value for ten seconds, or hide it", show=True),
    Key("cookies.delete", "d,delete", "delete", "Delete", "delete the cookie", show=True),
    Key("cookies.delete_domain", "D", "delete_domain", "Domain's", "delete all cookies of its domain", show=True),
    Key("cookies.clear", "X", "clear", "All", "delete all cookies of this environment", show=True),
)
HISTORY = (
    Key("history.search", "/", "search", "Search", "search the history", show=True),
    Key("history.reopen", "o", "reopen", "Request", "go to the request of the exchange, or make one of it", show=True),
    Key(
        "history.compare", "c", "compare", "Compare", "mark the exchange, or compare it with the marked one", show=True
    ),
    Key("history.all", "a", "all", "All", "list the exchanges of all workspaces, or of the open one", show=True),
    Key("history.delete", "d,delete", "delete", "Delete", "delete the exchange from the history", show=True),
    Key("history.clear", "D,X", "clear", "Clear", "delete all of the workspace's exchanges, or of all", show=True),
    Key("history.back", "escape", "back", "Back", "back to the list, then close the answer", show=True, palette=False),
)
RUNNER = (
    Key("runner.run", "ctrl+r", "run", "Run", "run what is selected", show=True, priority=True),
    Key(
        "runner.back",
        "escape",
        "back",
        "Back",
        "close the answer, go back to the table, then stop the run",
        show=True,
        palette=False,
    ),
    Key("runner.pick", "s", "pick", "Select", "choose which requests run, and in which order", show=True),
    Key("runner.all", "a", "all", "All", "select every request of the workspace"),
    Key("runner.options", "e", "options", "Options", "go to the data file, iterations and other options", show=True),
    Key("runner.failures", "f", "failures", "Not passed", "list only what did not pass, or all", show=True),
    Key("runner.again", "r", "again", "Again", "run again what did not pass, with what it needs", show=True),
    Key("runner.cure", "c", "cure", "Mend", "do what the error asks for, then run again what did not pass", show=True),
    Key("runner.report", "w", "report", "Report", "write a report of what ran: HTML, JUnit XML or JSON", show=True),
    Key("runner.request", "o", "request", "Request", "open the request itself", show=True),
)
RUN_PICK = (
    Key("pick.take", "enter", "take", "Take", "run these", show=True, palette=False),
    Key("pick.switch", "space", "switch", "In/out", "take the request or folder in, or out", show=True),
    Key("pick.all", "a", "all", "All/none", "take all in, or all out", show=True),
    Key("pick.order", "o", "order", "Order", "run in the order of the tree, or in the order picked", show=True),
)
SETTINGS = (
    Key("settings.find", "/", "find", "Find", "find a setting or an action by its name", show=True),
    Key("settings.change", "e", "change", "Change", "change the setting or the key", show=True),
    Key("settings.default", "d", "default", "Default", "give the setting or the action its default back", show=True),
    Key("settings.no_key", "x", "no_key", "No key", "take the key of the action away", show=True),
)


def table() -> tuple[Key, ...]:
    """All rows, in the order of the help."""
    return (
        *APP,
        *WORKSPACES,
        *REQUESTS,
        *METHOD,
        *TREE,
        *TABLE,
        *VARIABLES,
        *SCRIPTS,
        *RESPONSE,
        *TEXT,
        *ENVIRONMENTS,
        *CREDENTIALS,
        *DETAILS,
        *COOKIES,
        *HISTORY,
        *RUNNER,
        *RUN_PICK,
        *SETTINGS,
        *PREVIEW,
        *DIALOG,
        *CONFIRM,
        *CLOSE,
        *TEXT_DIALOG,
        *JUMP,
        *BROKEN,
        *ALLOWED,
    )


def bindings(keys: Sequence[Key]) -> list[BindingType]:
    """The rows as a class's BINDINGS."""
    return [
        Binding(
            key.keys, key.action, key.label, show=key.show, priority=key.priority, id=key.name, tooltip=key.sentence
        )
        for key in keys
    ]


def key_names(keys: str) -> tuple[str, ...]:
    return tuple(key.strip() for key in keys.split(",") if key.strip())


NOWHERE = "f24"
"""A key no keyboard sends: what an action is bound to when it has none, since Textual cannot take a binding away."""


def given(name: str, remapped: Mapping[str, str]) -> tuple[str, ...]:
    """The keys of an action as Textual names them."""
    known = {key.name: key.keys for key in table()}
    keys = remapped.get(name) or known.get(name, "")
    return () if keys.strip() in ("none", NOWHERE) else key_names(keys)


def keys_of(name: str, remapped: Mapping[str, str]) -> str:
    """The keys of an action as a person reads them."""
    return ", ".join(shown_key(key) for key in given(name, remapped))


def shown_key(key: str) -> str:
    from textual.keys import format_key

    if key.startswith("ctrl+"):
        return "^" + key.removeprefix("ctrl+")
    if key.startswith("alt+"):
        return "alt+" + shown_key(key.removeprefix("alt+"))
    return {"enter": "enter", "escape": "esc", "pageup": "pgup", "pagedown": "pgdn", "delete": "del"}.get(key) or (
        key.upper() if key[0] == "f" and key[1:].isdigit() else format_key(key)
    )


def plain(keys: str, action: str) -> list[BindingType]:
    """Keys that move about inside a widget: as everywhere in a terminal, so neither in the table nor in the footer."""
    return [Binding(keys, action, show=False)]
