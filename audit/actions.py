"""The grammar of audit actions: ``noun.verb`` or ``noun.noun.verb``. Docs and filters are generated from it."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """Everything that is ever recorded; the member's comment is what the docs say."""

    CLIENT_CREATE = "client.create"
    CLIENT_RENAME = "client.rename"
    CLIENT_ARCHIVE = "client.archive"
    CLIENT_REFINE_SET = "client.refine.set"
    CLIENT_ERASE = "client.erase"
    INSTALLATION_RESTORE = "installation.restore"
    PROJECT_CREATE = "project.create"
    PROJECT_VISIBILITY_SET = "project.visibility.set"
    ACCOUNT_CREATE = "account.create"
    ACCOUNT_PASSWORD_SET = "account.password.set"  # noqa: S105 - an action's name
    ACCOUNT_STANDING_SET = "account.standing.set"
    GRANT_ADD = "grant.add"
    GRANT_REVOKE = "grant.revoke"
    TOKEN_ISSUE = "token.issue"  # noqa: S105 - an action's name
    TOKEN_REVOKE = "token.revoke"  # noqa: S105 - an action's name
    TEMPLATE_DRAFT_CREATE = "template.draft.create"
    TEMPLATE_DRAFT_EDIT = "template.draft.edit"
    TEMPLATE_DRAFT_DISCARD = "template.draft.discard"
    TEMPLATE_VERSION_SEAL = "template.version.seal"
    INSTANCE_DRAFT_CREATE = "instance.draft.create"
    INSTANCE_DRAFT_EDIT = "instance.draft.edit"
    INSTANCE_ARCHIVE = "instance.archive"
    INSTANCE_VERSION_SEAL = "instance.version.seal"
    INSTANCE_VERSION_ACTIVATE = "instance.version.activate"
    INSTANCE_VERSION_REVEAL = "instance.version.reveal"
    INSTANCE_PUBLISH = "instance.publish"
    TARGET_CREATE = "target.create"
    TARGET_CHANGE = "target.change"
    TARGET_DISABLE = "target.disable"
    TARGET_ENABLE = "target.enable"
    TARGET_RESUME = "target.resume"
    TARGET_CREDENTIALS_ROTATE = "target.credentials.rotate"
    PLACEMENT_CREATE = "placement.create"
    PLACEMENT_REMOVE = "placement.remove"
    DELIVERY_DELIVER = "delivery.deliver"
    DELIVERY_BURY = "delivery.bury"
    DELIVERY_REPLAY = "delivery.replay"
    DRIFT_FIND = "drift.find"
    DRIFT_CLEAR = "drift.clear"
    DRIFT_REDELIVER = "drift.redeliver"
    DRIFT_ADOPT = "drift.adopt"
    SUGGESTION_ASK = "suggestion.ask"
    SUGGESTION_READY = "suggestion.ready"
    SUGGESTION_FAIL = "suggestion.fail"
    SUGGESTION_ACCEPT = "suggestion.accept"
    SUGGESTION_REJECT = "suggestion.reject"
