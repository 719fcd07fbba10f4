"""What reading and writing TOML files promises: errors that never quote, comments kept, texts exact, writes whole."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from core.consent.registry import WorkspacesFile
from core.errors import FileError
from core.models import (
    BasicAuth,
    BearerAuth,
    Check,
    Environment,
    Field,
    Folder,
    JsonBody,
    Model,
    Options,
    Request,
    TextBody,
    Variable,
    WorkspaceFile,
)
from core.toml import file as tomlfile
from core.toml import text as tomltext
from core.toml.shape import plain, same
from tests import strategies

quick = settings(
    max_examples=60,
    deadline=None,
    # Explaining and shrinking a failure of random files takes longer than a test may.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

SECRET = "hunter2-do-not-quote"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file.toml"


def refused(file: Path, text: str | bytes, model: type[Model] = Request) -> FileError:
    """The error of a file with this text, which must be left as it is by loading and by saving."""
    data = text.encode() if isinstance(text, str) else text
    file.write_bytes(data)
    with pytest.raises(FileError) as loading:
        tomlfile.load(file, model)
    with pytest.raises(FileError):
        tomlfile.save(file, WorkspaceFile(id="12345678") if model is WorkspaceFile else model())
    assert file.read_bytes() == data
    assert loading.value.path == file
    assert SECRET not in f"{loading.value}{loading.value.hint}{loading.value.key}{loading.value!r}"
    return loading.value


# Reading


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        ("nme = 'x'", "nme", "is not a key that belongs here"),
        (f"url = 3 # {SECRET}", "url", "must be a text, not a whole number"),
        (f"headers = '{SECRET}'", "headers", "must be an array, not a text"),
        ("headers = [{ value = 'x' }]", "headers[0].name", "is missing"),
        (f"headers = [{{ name = 'a' }}, {{ name = 'b', vlue = '{SECRET}' }}]", "headers[1].vlue", "belongs here"),
        (f"method = '{SECRET} {SECRET}'", "method", "is not written as it must be"),
        ("options.timeout = 0", "options.timeout", "must be more than 0"),
        ("options.max_redirects = 101", "options.max_redirects", "must be at most 100"),
        (f"auth.type = '{SECRET}'", "auth.type", "it may have: inherit, none, basic, bearer"),
        (f"auth.token = '{SECRET}'", "auth.type", "is missing"),
        (f"auth = {{ type = 'bearer', tken = '{SECRET}' }}", "auth.tken", "belongs here"),
        (
            f"captures = [{{ name = 'a', from = '{SECRET}' }}]",
            "captures[0].from",
            "is not one of the values it may have: json, header, cookie, status, body",
        ),
        (f"variables.good = 'x'\nvariables.bad = ['{SECRET}']", "variables.bad", "must be a text or a table"),
        (f"variables.a = 'x'\nvariables.b.vlue = '{SECRET}'", "variables.b.vlue", "belongs here"),
        (f"variables.b.value = '{SECRET}'\nvariables.b.secret = true", "variables.b", "exactly one of value"),
        ("variables.b.description = 'nothing else'", "variables.b", "exactly one of value"),
        (f"variables.'no name' = '{SECRET}'", "variables.no name", "is not a name"),
        (
            "[variables.a.link]\nprovider = 'memory'\ncredential = 'c'\nname = 'n'\n"
            f"[variables.b.link]\nprovider = 'aws'\ncredential = 3\nsecret_id = '{SECRET}'",
            "variables.b.link.credential",
            "must be a text",
        ),
        (f"variables.a.link.provider = '{SECRET}'", "variables.a.link.provider", "may have: aws, gcp"),
        ("variables.a = { secret = true, cache_minutes = 721 }", "variables.a.cache_minutes", "must be at most 720"),
        (f"path_params = {{ a = 'x', b = 3, c = '{SECRET}' }}", "path_params.b", "must be a text"),
    ],
)
def test_what_does_not_fit_is_named_by_its_key_and_not_quoted(file: Path, text: str, key: str, message: str) -> None:
    error = refused(file, text)
    assert error.key == key
    assert message in error.message
    assert str(error) == f"{file}: {key}: {error.message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("url = \n", "is not valid TOML: invalid value (at line 1, column 7)"),
        (f'[variables]\npassword = "{SECRET}', "unterminated string (at end of document)"),
        (f"token {SECRET}", "(at line 1, column 7)"),
        (f"url = '{SECRET}'\nurl = 'x'", "cannot overwrite a value"),
        (b"url = '\xff'", "is not UTF-8 text at byte 7"),
        ("a = " + "[" * 5000 + "]" * 5000, "is nested too deep"),
        ("a" + ".a" * 40_000 + " = 1", "is nested too deep"),
        ("[" + "'a' . " * 40_000 + "b]", "is nested too deep"),
        ("checks = [{subject='json', op='equals', value=" + "{a=" * 3000 + "1" + "}" * 3000 + "}]", "nested too deep"),
    ],
)
def test_broken_toml_is_named_with_its_place(file: Path, text: str | bytes, message: str) -> None:
    assert message in refused(file, text).message


def test_a_newer_file_is_refused_by_name_and_left_alone(file: Path) -> None:
    error = refused(file, "schema = 2\nsomething_new = true\n")
    assert error.key == "schema"
    assert "newer hushpost" in error.message
    assert error.hint is not None
    assert "update" in error.hint


@pytest.mark.parametrize("schema", ["0", "-1", "'1'", "1.0", "true"])
def test_a_schema_that_never_was_is_refused(file: Path, schema: str) -> None:
    assert refused(file, f"schema = {schema}").key == "schema"


def test_the_wrong_one_of_very_many_is_named_soon(file: Path) -> None:
    names = "".join(f"v{number} = 'x'\n" for number in range(20_000))
    assert refused(file, f"[variables]\n{names}wrong = 3\n").key == "variables.wrong"


def test_a_text_with_many_dots_is_no_endless_key(file: Path) -> None:
    oid = ".".join(["1"] * 128)
    request = Request(body=TextBody(f"{oid}\n{'.' * 10_000} {'a' * 100_000} {'a. ' * 10_000}\n"), url=oid)
    tomlfile.save(file, request)
    assert tomlfile.load(file, Request) == request


def test_a_file_past_the_limit_is_refused_unread(file: Path) -> None:
    assert "is larger than 8 MiB" in refused(file, b"#" * (tomlfile.MAX_BYTES + 1)).message
    file.write_bytes(b"#" * tomlfile.MAX_BYTES)
    assert tomlfile.load(file, Request) == Request()


def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.toml"
    os.mkfifo(pipe)
    folder = tmp_path / "folder.toml"
    folder.mkdir()
    for path in (pipe, folder):
        with pytest.raises(FileError, match="is not a regular file"):
            tomlfile.load(path, Request)


def test_a_missing_file_is_an_error_unless_something_stands_for_it(file: Path) -> None:
    with pytest.raises(FileError, match="does not exist"):
        tomlfile.load(file, Request)
    assert tomlfile.load(file, Request, missing=Request(url="u")) == Request(url="u")


def test_a_byte_order_mark_is_read_and_kept(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfurl = 'a' # c\n")
    assert tomlfile.load(file, Request).url == "a"
    tomlfile.save(file, Request(url="b"))
    assert file.read_bytes() == b'\xef\xbb\xbfurl = "b" # c\n'


# Writing a new file


def test_a_new_file_is_written_in_our_style(file: Path) -> None:
    request = Request(
        name="Create payment",
        method="POST",
        url="{{base_url}}/payments/:id",
        headers=(Field("Accept", "application/json"), Field("X-Debug", "1", enabled=False)),
        path_params={"id": "{{payment_id}}"},
        auth=BearerAuth("{{stripe_key}}"),
        body=JsonBody('{"amount": 100}'),
        variables={"a": "x", "b": Variable(secret=True, description="of the nightly job")},
        options=Options(timeout=30.0),
    )
    tomlfile.save(file, request)
    assert file.read_text() == (
        "schema = 1\n"
        'name = "Create payment"\n'
        'method = "POST"\n'
        'url = "{{base_url}}/payments/:id"\n'
        "headers = [\n"
        '    { name = "Accept", value = "application/json" },\n'
        '    { name = "X-Debug", value = "1", enabled = false },\n'
        "]\n"
        'path_params = { id = "{{payment_id}}" }\n'
        "\n[auth]\n"
        'type = "bearer"\n'
        'token = "{{stripe_key}}"\n'
        "\n[body]\n"
        'type = "json"\n'
        "text = '{\"amount\": 100}'\n"
        "\n[variables]\n"
        'a = "x"\n'
        "\n[variables.b]\n"
        "secret = true\n"
        'description = "of the nightly job"\n'
        "\n[options]\n"
        "timeout = 30.0\n"
    )


@quick
@given(strategies.requests)
def test_every_request_reads_back_as_it_was_saved(tmp_path_factory: pytest.TempPathFactory, request_: Request) -> None:
    file = tmp_path_factory.getbasetemp() / "request.toml"
    file.unlink(missing_ok=True)
    tomlfile.save(file, request_)
    assert same(plain(tomlfile.load(file, Request)), plain(request_))
    tomllib.loads(file.read_text())


@quick
@given(strategies.texts)
def test_bodies_are_exact_and_broken_into_lines_only_where_that_is_safe(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    file = tmp_path_factory.getbasetemp() / "body.toml"
    for before in (None, "one\ntwo", "\r\n"):
        file.unlink(missing_ok=True)
        if before is not None:
            tomlfile.save(file, Request(body=TextBody(before)))
        tomlfile.save(file, Request(body=TextBody(text)))
        assert tomlfile.load(file, Request).body == TextBody(text)
        multi_line = any(quotes in file.read_bytes() for quotes in (b'text = """', b"text = '''"))
        assert multi_line == ("\n" in text and "\r" not in text)


def test_what_toml_cannot_hold_is_refused_and_nothing_is_written(file: Path) -> None:
    for request in (
        Request(url="\ud800"),
        Request(method="no method"),
        Request(checks=(Check("json", "equals", value={"a": None}),)),
    ):
        with pytest.raises(FileError):
            tomlfile.save(file, request)
        assert not file.exists()


# Changing a file

FILE = """\
# Payments
schema = 1
name = "Create payment"  # label
method = "GET" # said, though it is the default
url = '{{base_url}}/payments'
headers = [
    # what we take
    { name = "Accept", value = "application/json" },  # json only
    { name = 'X-Debug', value = "1", enabled = true }, # said, though it is the default

    # tracing
    { name = "X-Trace", value = "t" }
    # end of headers
]
query = []

# how to log in
[auth]
type = "bearer"  # a token
token = "{{key}}"
# after the token

# names
[variables]
# first
a = "x"  # behind a
b = "y"

# about c
[variables.c]  # behind c
secret = true

# about d
[variables.d]
value = "D"

# how it is sent
[options]
timeout = 30.0

# the end
"""


def changed(file: Path, text: str, **fields: object) -> str:
    """The file's text after a save with these fields replaced."""
    file.write_text(text, newline="")
    request = replace(tomlfile.load(file, Request), **fields)
    tomlfile.save(file, request)
    assert same(plain(tomlfile.load(file, Request)), plain(request))
    return file.read_bytes().decode()


def edited(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1
    return text.replace(old, new)


@pytest.fixture
def written(file: Path) -> Request:
    file.write_text(FILE)
    return tomlfile.load(file, Request)


def test_a_changed_value_keeps_its_comment_and_all_else(file: Path) -> None:
    assert changed(file, FILE, name="Pay") == edited(FILE, '"Create payment"', '"Pay"')
    assert changed(file, FILE, method="PUT") == edited(FILE, 'method = "GET"', 'method = "PUT"')
    assert changed(file, FILE, options=Options(timeout=5.0)) == edited(FILE, "30.0", "5.0")


def test_a_row_keeps_its_comments_when_others_come_and_go(file: Path, written: Request) -> None:
    accept, debug, trace = written.headers
    accept_line = '    { name = "Accept", value = "application/json" },  # json only\n'
    debug_line = "    { name = 'X-Debug', value = \"1\", enabled = true }, # said, though it is the default\n"
    new_line = '    { name = "X-New", value = "v" },\n'
    commas = edited(FILE, 'value = "t" }', 'value = "t" },')
    new = Field("X-New", "v")
    assert changed(file, FILE, headers=(debug, trace)) == edited(commas, accept_line, "")
    assert changed(file, FILE, headers=(accept, trace)) == edited(commas, debug_line, "")
    assert changed(file, FILE, headers=(accept, new, debug, trace)) == edited(
        commas, accept_line, accept_line + new_line
    )
    assert changed(file, FILE, headers=(new, accept, debug, trace)) == edited(
        commas, "    # what we take\n", new_line + "    # what we take\n"
    )
    assert changed(file, FILE, headers=(accept, replace(debug, value="2"), trace)) == edited(
        commas,
        debug_line,
        '    { name = "X-Debug", value = "2", enabled = true }, # said, though it is the default\n',
    )


def test_comments_on_lines_of_their_own_outlive_the_rows(file: Path) -> None:
    text = changed(file, FILE, headers=())
    assert "Accept" not in text
    assert "# what we take\n# tracing\n# end of headers\nquery = []\n" in text


def test_a_key_is_added_beside_those_it_belongs_to(file: Path, written: Request) -> None:
    assert changed(file, FILE, description="of the shop") == edited(
        FILE, 'method = "GET"', 'description = "of the shop"\nmethod = "GET"'
    )
    assert changed(file, FILE, variables=written.variables | {"n": "new"}) == edited(
        FILE, 'b = "y"\n', 'b = "y"\nn = "new"\n'
    )


def test_a_table_is_added_apart_from_the_comments_of_its_neighbours(file: Path, written: Request) -> None:
    assert changed(file, FILE, body=JsonBody("{}")) == edited(
        FILE, "\n# names\n", '\n[body]\ntype = "json"\ntext = "{}"\n\n# names\n'
    )
    assert changed(file, FILE, variables=written.variables | {"n": Variable(secret=True)}) == edited(
        FILE, "\n# how it is sent\n", "\n[variables.n]\nsecret = true\n\n# how it is sent\n"
    )


def test_a_table_goes_with_what_is_in_it_and_leaves_the_comments_around_it(file: Path, written: Request) -> None:
    variables = {name: value for name, value in written.variables.items() if name != "c"}
    text = changed(file, FILE, variables=variables)
    assert text == edited(FILE, "[variables.c]  # behind c\nsecret = true\n", "")


def test_another_kind_of_auth_keeps_no_key_of_the_old_one(file: Path) -> None:
    stated = edited(FILE, 'token = "{{key}}"\n', 'token = "{{key}}"\nprefix = "Bearer"\n')
    assert changed(file, stated, auth=BasicAuth("me", "{{pw}}")) == edited(
        stated,
        'type = "bearer"  # a token\ntoken = "{{key}}"\nprefix = "Bearer"\n',
        'type = "basic"  # a token\nusername = "me"\npassword = "{{pw}}"\n',
    )


def test_a_variable_that_changes_its_kind_takes_its_comments_along(file: Path, written: Request) -> None:
    variables = written.variables | {"a": Variable(secret=True), "c": "plain now"}
    text = changed(file, FILE, variables=variables)
    assert "\n\n# first\n[variables.a]  # behind a\nsecret = true\n" in text
    assert '\n# about c\nc = "plain now"  # behind c\n' in text
    assert "\n# about d\n[variables.d]\n" in text


def test_line_ends_of_the_file_are_kept(file: Path) -> None:
    text = changed(file, FILE.replace("\n", "\r\n"), body=JsonBody("{\n}\n"), name="Pay")
    assert text.count("\n") == text.count("\r\n")
    assert text.replace("\r\n", "\n") == edited(
        edited(FILE, '"Create payment"', '"Pay"'),
        "\n# names\n",
        "\n[body]\ntype = \"json\"\ntext = '''\n{\n}\n'''\n\n# names\n",
    )


def test_rows_written_as_tables_stay_so_until_one_comes_or_goes(file: Path) -> None:
    text = '# h\n[[headers]] # h1\nname = "A" # a\n# of b\n[[headers]]\nname = "B"\n# log in\n[auth]\ntype = "none"\n'
    headers = (Field("A"), Field("B"))
    assert changed(file, text, headers=(Field("A", "1"), Field("B"))) == edited(
        text, 'name = "A" # a\n', 'name = "A" # a\nvalue = "1"\n'
    )
    assert changed(file, text, headers=(*headers, Field("C"))) == (
        'headers = [\n    # h\n    # h1\n    # a\n    { name = "A" },\n    # of b\n    { name = "B" },\n'
        '    { name = "C" },\n]\n# log in\n[auth]\ntype = "none"\n'
    )


@pytest.mark.parametrize("text", ["", "# only a comment", "url = 'x'", "[auth]\ntype = 'none'", "\n\n"])
def test_a_sparse_file_grows_and_shrinks(file: Path, text: str) -> None:
    grown = changed(file, text, variables={"a": "b", "c": Variable(secret=True)}, body=JsonBody("{\n}"), name="N")
    assert text.strip() in grown
    assert not grown.startswith("\n") or text.startswith("\n")


@quick
@given(st.data())
def test_a_save_without_a_change_leaves_every_byte(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    model, text = data.draw(written_files())
    file = tmp_path_factory.getbasetemp() / "same.toml"
    file.write_text(text, newline="")
    before = file.stat()
    tomlfile.save(file, tomlfile.load(file, model))
    assert file.read_bytes().decode() == text
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    assert file.stat().st_ino == before.st_ino


@settings(quick, max_examples=100)
@given(st.data())
def test_any_change_to_any_file_reads_back(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    model, text = data.draw(written_files())
    file = tmp_path_factory.getbasetemp() / "changed.toml"
    file.write_text(text, newline="")
    old = tomlfile.load(file, model)
    other = data.draw(MODELS[model])
    names = [name for name in model.__struct_fields__ if name != "schema"]
    chosen = data.draw(st.sets(st.sampled_from(names), min_size=1, max_size=3))
    new = replace(old, **{name: getattr(other, name) for name in chosen})
    tomlfile.save(file, new)
    assert same(plain(tomlfile.load(file, model)), plain(new))


@quick
@given(st.data())
def test_editing_rows_keeps_every_comment_line_and_each_kept_row_with_its_own(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    distinct = st.lists(strategies.fields, unique_by=lambda field: field.name, max_size=6).map(tuple)
    old = replace(data.draw(strategies.requests), headers=data.draw(distinct))
    text = data.draw(strategies.commented(tomltext.document(plain(old))))
    rows = list(old.headers)
    for row in data.draw(st.lists(strategies.fields, max_size=3)):
        rows.insert(data.draw(st.integers(0, len(rows))), row)
    for _ in range(data.draw(st.integers(0, 3))):
        if rows:
            del rows[data.draw(st.integers(0, len(rows) - 1))]
    file = tmp_path_factory.getbasetemp() / "rows.toml"
    file.write_text(text, newline="")
    tomlfile.save(file, replace(old, headers=tuple(rows)))
    after = file.read_bytes().decode()
    assert [line.strip() for line in after.split("\n") if line.strip().startswith("# above")] == [
        line.strip() for line in text.split("\n") if line.strip().startswith("# above")
    ]
    kept = {tomltext.inline_table(plain(row)) for row in rows}
    lines = after.split("\n")
    for line in text.split("\n"):
        written, _, behind = line.strip().rpartition("  # behind")
        if behind and written.rstrip(",") in kept:
            assert f"    {written.rstrip(',')},  # behind{behind}" in lines


MODELS: dict[type[Model], st.SearchStrategy[Model]] = {
    Request: strategies.requests,
    Environment: strategies.environments,
    Folder: strategies.folders,
    WorkspacesFile: strategies.workspaces_files,
}


@st.composite
def written_files(draw: st.DrawFn) -> tuple[type[Model], str]:
    """A kind of file and a text of one, in our style or in another, with comments."""
    model = draw(st.sampled_from(list(MODELS)))
    data = plain(draw(MODELS[model]))
    text = tomltext.document(data) if draw(st.booleans()) else draw(strategies.toml_styles(data))
    return model, draw(strategies.commented(text))


@pytest.mark.parametrize("depth", [10, 60, 120, 250, 320])
def test_deep_values_are_saved_or_refused_and_never_damaged(file: Path, depth: int) -> None:
    text = f"url = 'a'\nchecks = [{{ subject = 'json', op = 'equals', value = {'[' * depth}{']' * depth} }}]\n"
    file.write_text(text)
    request = replace(tomlfile.load(file, Request), url="b")
    if depth < 100:
        tomlfile.save(file, request)
        assert file.read_text() == text.replace("'a'", '"b"')
    else:
        with pytest.raises(FileError, match=r"cannot be changed without losing its comments|is nested too deep"):
            tomlfile.save(file, request)
        assert file.read_text() == text


# Writing safely


def test_a_save_onto_a_file_that_became_unreadable_is_refused(file: Path) -> None:
    tomlfile.save(file, Request(url="a"))
    for text in ("url = ", "nme = 'x'", "schema = 2\n"):
        refused(file, text)


def test_a_new_file_has_the_asked_mode_and_an_old_one_keeps_its_own(file: Path) -> None:
    before = os.umask(0o022)
    try:
        tomlfile.write_atomic(file, b"a", mode=0o666)
        assert mode_of(file) == 0o644
        file.chmod(0o664)
        tomlfile.write_atomic(file, b"b")
        assert mode_of(file) == 0o664
        tomlfile.write_atomic(file, b"c", mode=0o600)
        assert mode_of(file) == 0o600
        tomlfile.write_atomic(file, b"d", mode=0o644)
        assert mode_of(file) == 0o600
    finally:
        os.umask(before)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "settings.toml", tmp_path / "link.toml"
    target.write_bytes(b"old")
    link.symlink_to(target)
    tomlfile.write_atomic(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_nothing_is_left_behind_when_writing_fails(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "x.toml").mkdir(parents=True)
    with pytest.raises(FileError, match="cannot be written"):
        tomlfile.write_atomic(folder / "x.toml", b"data")
    with pytest.raises(FileError, match="no such file or directory"):
        tomlfile.write_atomic(folder / "absent" / "x.toml", b"data")
    assert [path.name for path in folder.iterdir()] == ["x.toml"]


def test_a_writer_that_is_killed_leaves_a_whole_file(file: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from core.toml import file as tomlfile\n"
        "file = Path(sys.argv[1]); print('ready', flush=True)\n"
        "while True:\n"
        "    for letter in b'ab': tomlfile.write_atomic(file, bytes([letter]) * 300_000)\n"
    )
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", code, str(file)], stdout=subprocess.PIPE, cwd=ROOT) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            seen: set[bytes] = set()
            while len(seen) < 2:
                if file.exists():
                    data = file.read_bytes()
                    assert len(data) == 300_000
                    assert len(set(data)) == 1
                    seen.add(data[:1])
            writer.kill()
        assert len(set(file.read_bytes())) == 1
        assert file.stat().st_size == 300_000


ROOT = Path(__file__).parents[3]


def test_reading_and_saving_without_a_change_do_not_import_tomlkit(file: Path) -> None:
    file.write_text("url = 'x'\n")
    code = (
        "import sys; from pathlib import Path\n"
        "from core.toml import file as tomlfile; from core.models import Request\n"
        "tomlfile.load(Path(sys.argv[1]), Request)\n"
        "import core.settings, core.workspace.workspace, core.consent.registry, core.environment\n"
        "assert 'tomlkit' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(file)], cwd=ROOT, check=True)
