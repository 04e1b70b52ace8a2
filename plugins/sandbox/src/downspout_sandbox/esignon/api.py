"""eSignon's calls: login, download links in all revisions, the newer document information, lists."""

import time
import typing

from aiohttp import web

from downspout_sandbox.esignon import links, names
from downspout_sandbox.esignon.access import (
    LATE_USERNAME,
    LIFE,
    PASSWORD,
    USERNAME,
    Refused,
    Sessions,
    Switches,
    answer,
    check_caller,
    token_text,
)
from downspout_sandbox.frame import json_object, whole_number
from downspout_sandbox.world import World

Json = dict[str, typing.Any]

# By revision: the fields that the download call must have, the workflow's first.
_REQUIRED = {
    "2020-05": ("wfuid", "comp_id", "client_id"),
    "2020-09": ("workflow_id", "client_id"),
    "2021": ("workflow_id",),
}


class Api:
    """The calls, as handlers."""

    def __init__(self, world: World) -> None:
        self.world = world

    def add_routes(self, app: web.Application) -> None:
        """Put the calls at their paths."""
        app.router.add_post("/api/{company}/login", self.login)
        app.router.add_post("/workflow/download", self.download)
        app.router.add_get("/api/v2/workflows/{number}", self.workflow)
        app.router.add_get("/api/v2/company", self.company)
        app.router.add_get("/worklists/new", self.worklist)
        app.router.add_post("/api/{company}/search", self.search)

    async def login(self, request: web.Request) -> web.Response:
        """Give a token for a password."""
        options = self.world.switches(Switches, request)
        message = await _body(request)
        header, body = message.get("header"), message.get("body")
        if not isinstance(header, dict) or not isinstance(body, dict) or header.get("request_code") != "1001Q":
            raise Refused("99", "The request has the wrong form.")
        username, password = body.get("memb_email"), body.get("memb_pwd")
        if not username or not password:
            raise Refused("11", "A required value is missing.")
        if options.login_code:
            raise Refused(options.login_code, "The sandbox refuses, as asked.")
        if username == LATE_USERNAME:
            raise Refused("14", "The period of use has expired.")
        right = (names.COMPANY, USERNAME, PASSWORD)
        if (request.match_info["company"], username, password) != right:
            raise Refused("10", "The company, the e-mail address or the password is wrong.")
        tokens = self.world.state(Sessions).tokens
        token = tokens.issue(USERNAME, self.world, token_text(tokens.issued + 1))
        life = self.world.general.token_life
        expires_at = self.world.now() + (LIFE if life is None else life)
        shown = {
            "access_token": token.text,
            "comp_id": names.COMPANY,
            "device_id": "",
            "expire_date": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(expires_at)),
            "memb_email": USERNAME,
        }
        return answer(shown, options, response_code="1001A")

    async def download(self, request: web.Request) -> web.Response:
        """Give the links of a completed document, for five minutes."""
        options = self.world.switches(Switches, request)
        if options.no_old_call:
            if options.no_old_call == "code":
                raise Refused("95", "The company may not call this API.")
            return web.Response(status=int(options.no_old_call), text="Gone.")
        check_caller(request, self.world)
        body = await _body(request)
        required = _REQUIRED[options.revision]
        if any(body.get(name) is None or body[name] == "" for name in required):
            raise Refused("11", "A required value is missing.")
        if options.code:
            raise Refused(options.code, "The sandbox refuses, as asked.")
        if (
            body.get("client_id", names.CLIENT) != names.CLIENT
            or body.get("comp_id", names.COMPANY) != names.COMPANY
        ):
            raise Refused("95", "The company may not call this API.")
        workflow = _visible(body[required[0]])
        if workflow.status != "Complete":
            raise Refused("11", "The document is not completed.")
        if options.empty_body:
            return answer({}, options)
        return self._links(workflow, options)

    def _links(self, workflow: names.Workflow, options: Switches) -> web.Response:
        life = self.world.general.link_life
        expires_at = int(self.world.now() + (links.LIFE if life is None else life))
        document = links.make_link(workflow, "document", expires_at, self.world)
        if options.revision == "2020-05":
            body = {"result_url": document, "wfname": workflow.title}
            return answer(body, options, response_code="/workflow/download")
        certificate = links.make_link(workflow, "certificate", expires_at, self.world)
        shown = {
            "cert_url": certificate if workflow.certified else None,
            "doc_url": document,
            "workflow_name": workflow.title,
        }
        return answer(shown, options)

    async def workflow(self, request: web.Request) -> web.Response:
        """Give what is known of a workflow, with links that do not expire."""
        check_caller(request, self.world)
        workflow = _visible(request.match_info["number"])
        done = workflow.status == "Complete"
        state = self.world.state(Sessions)
        body = {
            "workflow_id": workflow.number,
            "workflow_name": workflow.title,
            "workflow_status": workflow.status,
            "download_url": links.make_link(workflow, "document", 0, self.world) if done else "",
            "certificate_url": (
                links.make_link(workflow, "certificate", 0, self.world) if done and workflow.certified else ""
            ),
            "view_url": "",
            "create_date": "2026-01-01 09:00:00",
            "expiry_date": "2027-01-01 09:00:00",
            "action_history_list": [
                {"step_code": event} for number, event in state.history if number == workflow.number
            ],
            "field_list": [],
            "owner_list": [],
            "referer_list": [],
        }
        return answer(body, self.world.switches(Switches, request))

    async def company(self, request: web.Request) -> web.Response:
        """Give the company."""
        check_caller(request, self.world)
        return answer({"comp_id": names.COMPANY, "comp_name": "Acme"}, self.world.switches(Switches, request))

    async def worklist(self, request: web.Request) -> web.Response:
        """Give one page of the user's workflows; pages begin at 1."""
        check_caller(request, self.world)
        options = self.world.switches(Switches, request)
        page, rows = (whole_number(request.query.get(*each)) for each in (("page", "1"), ("rows", "50")))
        if not page or not rows:
            raise Refused("12", "page and rows are numbers from 1.")
        found = names.listed()
        start = (page - 1) * rows
        body: Json = {
            "comp_id": names.COMPANY,
            "isManager": "N",
            "memb_email": USERNAME,
            "page": page if options.numbers else str(page),
            "rows": rows if options.numbers else str(rows),
            "total": len(found) if options.numbers else str(len(found)),
            "workflow_list": [_listed(each, options) for each in found[start : start + rows]],
        }
        return answer(body, options)

    async def search(self, request: web.Request) -> web.Response:
        """Find workflows by field (5008Q) or by period (5009Q); here every search finds the completed ones."""
        check_caller(request, self.world)
        options = self.world.switches(Switches, request)
        message = await _body(request)
        header, body = message.get("header"), message.get("body")
        if not isinstance(header, dict) or not isinstance(body, dict):
            raise Refused("99", "The request has the wrong form.")
        code = header.get("request_code")
        if code not in ("5008Q", "5009Q"):
            raise Refused("99", "The request code is unknown.")
        if code == "5009Q" and not (body.get("start_date") and body.get("end_date")):
            raise Refused("17", "A search condition is missing.")
        if code == "5008Q" and not body.get("field_list"):
            raise Refused("18", "There is no search condition.")
        found = [
            {
                "wfuid": each.number,
                "wf_title": each.title,
                "wf_status": each.status,
                "doc_uid": each.number + 50_000,
                "start_date": "2026-01-01 09:00:00",
                "end_date": "2026-01-02 09:00:00",
            }
            for each in names.listed()
            if each.status == "Complete"
        ]
        return answer({"wf_list": found}, options, response_code=code.replace("Q", "A"))


def _visible(number: object) -> names.Workflow:
    workflow = names.find(number)
    if workflow is None or not workflow.visible:
        raise Refused("10", "There is no such workflow, or you may not see it.")
    return workflow


def _listed(workflow: names.Workflow, options: Switches) -> Json:
    done = workflow.status == "Complete"
    return {
        "wfuid": workflow.number if options.numbers else str(workflow.number),
        "wfname": workflow.title,
        "wftype": "NORMAL",
        "status": workflow.status,
        "step": "Complete" if done else "Progress",
        "nickname": "Jo",
        "email": USERNAME,
        "startdate": "2026-01-01 09:00:00",
        "confirmdate": "2026-01-02 09:00:00" if done else "",
        "currentactionid": "",
        "totalprocesscount": 2 if options.numbers else "2",
        "currentprocesscount": "2" if done else "1",
        "preactionid": "",
        "preactionemail": "",
    }


async def _body(request: web.Request) -> Json:
    if request.content_type != "application/json":
        raise Refused("99", "The content type must be application/json.")
    body = await json_object(request)
    if body is None:
        raise Refused("12", "The body cannot be read.")
    return body
