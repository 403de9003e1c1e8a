"""Trails: their operations, each translated into a rule and back.

Not simulated: notifications by SNS, CloudWatch Logs, encryption by KMS, organization trails, data
events, advanced event selectors, Insights, recursive logging.

Source: CloudTrail API Reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from pkilab.simulator.access.asking import Resource
from pkilab.simulator.acmpca.creation import partition_of
from pkilab.simulator.cloudtrail import checks, tagging
from pkilab.simulator.cloudtrail.delivering import LogFiles
from pkilab.simulator.cloudtrail.digests import DigestKeys, Digests
from pkilab.simulator.cloudtrail.following import Follower
from pkilab.simulator.cloudtrail.identities import iso
from pkilab.simulator.cloudtrail.state import Json, LoggingTrail
from pkilab.simulator.cloudtrail.trail import Trail
from pkilab.simulator.eventbridge.bus import Bus
from pkilab.simulator.pages import page
from pkilab.simulator.s3 import S3
from pkilab.simulator.service import AwsError, Call, JsonService, not_simulated
from pkilab.simulator.tagging.resources import Tagged
from pkilab.simulator.world import World

TRAILS = 5  # per Region; one that is of every Region counts in each
PAGE = 100
_ARN = re.compile(r"arn:[a-z-]+:cloudtrail:[a-z0-9-]+:\d{12}:trail/(?P<name>.+)")
_UNMODELLED = {
    "sns_topic_name": "a trail with an SNS topic",
    "cloud_watch_logs_log_group_arn": "a trail that delivers to CloudWatch Logs",
    "cloud_watch_logs_role_arn": "a trail that delivers to CloudWatch Logs",
    "kms_key_id": "a trail whose log files are encrypted by KMS",
    "is_organization_trail": "an organization trail",
    "recursive_logging": "a trail with RecursiveLogging",
}


class TrailOperations(JsonService):
    """The operations on trails of every account and Region of a world.

    Args:
        world: whose clock and entropy count.
        trail: what was taken down.
        bus: where events go; None: nobody hears.
    """

    def __init__(self, world: World, trail: Trail, bus: Bus | None) -> None:
        super().__init__(world)
        self._s3 = S3()
        self._trails: dict[str, LoggingTrail] = {}  # by ARN, in order of creation
        self._keys = DigestKeys(world)
        self._digests = Digests(world, self._s3, self._keys)
        log_files = LogFiles(world, self._s3)
        self._follower = Follower(trail, self._trails.values(), log_files, self._digests, bus)

    def resource(self, arn: str) -> Resource | None:
        """Return the trail of an ARN, for policies."""
        found = self._trails.get(arn)
        if found is None:
            return None
        tags = {key: value or "" for key, value in found.tags.items()}
        return Resource(arn, found.account, tags)

    def tagged_resources(self, account: str, region: str) -> Iterator[Tagged]:
        """Return an account's trails with their tags, each in its home Region."""
        for each in self._trails.values():
            if (each.account, each.home_region) == (account, region):
                yield each.arn, each.tags

    def create_trail(
        self,
        call: Call,
        *,
        name: str,
        s3_bucket_name: str,
        s3_key_prefix: str | None = None,
        include_global_service_events: bool = True,
        is_multi_region_trail: bool = False,
        enable_log_file_validation: bool = False,
        tags_list: Sequence[Json] = (),
        **unmodelled: object,
    ) -> Json:
        """Make a trail; it logs from StartLogging on."""
        _refuse_unmodelled(unmodelled)
        checks.check_name(name)
        checks.check_prefix(s3_key_prefix)
        checks.check_regions(
            multi_region=is_multi_region_trail, global_events=include_global_service_events
        )
        partition = partition_of(call.region)
        made = LoggingTrail(
            name=name,
            account=call.account,
            home_region=call.region,
            arn=f"arn:{partition}:cloudtrail:{call.region}:{call.account}:trail/{name}",
            bucket=s3_bucket_name,
            prefix=s3_key_prefix or None,
            multi_region=is_multi_region_trail,
            global_events=include_global_service_events,
            validated=enable_log_file_validation,
            tags=tagging.added({}, tags_list),
        )
        self._check_room(made)
        checks.check_bucket(self._s3, made, made.bucket, made.root)
        self._trails[made.arn] = made
        return _settings(made)

    def update_trail(
        self,
        call: Call,
        *,
        name: str,
        s3_bucket_name: str | None = None,
        s3_key_prefix: str | None = None,
        include_global_service_events: bool | None = None,
        is_multi_region_trail: bool | None = None,
        enable_log_file_validation: bool | None = None,
        **unmodelled: object,
    ) -> Json:
        """Change a trail in its home Region; what is left out stays."""
        _refuse_unmodelled(unmodelled)
        trail = self._at_home(call, name)
        checks.check_prefix(s3_key_prefix)
        bucket = s3_bucket_name or trail.bucket
        prefix = trail.prefix if s3_key_prefix is None else (s3_key_prefix or None)
        multi_region = _given(is_multi_region_trail, trail.multi_region)
        global_events = _given(include_global_service_events, trail.global_events)
        checks.check_regions(multi_region=multi_region, global_events=global_events)
        root = f"{prefix}/AWSLogs/" if prefix else "AWSLogs/"
        checks.check_bucket(self._s3, trail, bucket, root)
        trail.bucket, trail.prefix = bucket, prefix
        trail.multi_region, trail.global_events = multi_region, global_events
        trail.validated = _given(enable_log_file_validation, trail.validated)
        self._digests.changed(trail)
        return _settings(trail)

    def delete_trail(self, call: Call, *, name: str) -> Json:
        """Delete a trail in its home Region; its files stay, and what it took down is delivered."""
        trail = self._at_home(call, name)
        self._stop(trail, call)
        del self._trails[trail.arn]
        return {}

    def start_logging(self, call: Call, *, name: str) -> Json:
        """Let a trail take events down from now on."""
        trail = self._at_home(call, name)
        if not trail.logging:
            trail.logging, trail.started = True, call.now
            self._digests.changed(trail)
            self._follower.started()
        return {}

    def stop_logging(self, call: Call, *, name: str) -> Json:
        """Let a trail take no more events down."""
        self._stop(self._at_home(call, name), call)
        return {}

    def get_trail(self, call: Call, *, name: str) -> Json:
        """Describe a trail."""
        return {"Trail": _description(self._find(call, name))}

    def describe_trails(
        self,
        call: Call,
        *,
        trail_name_list: Sequence[str] = (),
        include_shadow_trails: bool = True,
    ) -> Json:
        """Describe the trails of a Region, or those named; what is not found is left out."""
        own = [trail for trail in self._trails.values() if trail.account == call.account]
        found = [
            trail
            for trail in own
            if (trail.home_region == call.region)
            or (include_shadow_trails and trail.is_seen_in(call.region))
        ]
        if trail_name_list:
            for name in trail_name_list:
                _check_reference(name)
            found = [trail for trail in found if trail.name in trail_name_list] + [
                trail for trail in own if trail.arn in trail_name_list
            ]
        unique = {trail.arn: trail for trail in found}
        return {"trailList": [_description(trail) for trail in unique.values()]}

    def list_trails(self, call: Call, *, next_token: str | None = None) -> Json:
        """List the trails of the account, of all Regions."""
        own = [trail for trail in self._trails.values() if trail.account == call.account]
        shown, token = page(own, PAGE, next_token, scope=f"trails {call.account}")
        return {
            "Trails": [
                {"TrailARN": each.arn, "Name": each.name, "HomeRegion": each.home_region}
                for each in shown
            ],
            "NextToken": token,
        }

    def get_trail_status(self, call: Call, *, name: str) -> Json:
        """Say whether a trail logs, and how deliveries went."""
        trail = self._find(call, name)
        done, digests = trail.deliveries, trail.digests
        return {
            "IsLogging": trail.logging,
            "LatestDeliveryError": done.error,
            "LatestDeliveryTime": done.delivered,
            "StartLoggingTime": trail.started,
            "StopLoggingTime": trail.stopped,
            "LatestDigestDeliveryTime": digests.delivered,
            "LatestDigestDeliveryError": digests.error,
            "LatestDeliveryAttemptTime": _text(done.attempted),
            "LatestNotificationAttemptTime": "",
            "LatestNotificationAttemptSucceeded": "",
            "LatestDeliveryAttemptSucceeded": _text(done.delivered),
            "TimeLoggingStarted": _text(trail.started),
            "TimeLoggingStopped": _text(trail.stopped),
        }

    def put_event_selectors(
        self,
        call: Call,
        *,
        trail_name: str,
        event_selectors: Sequence[Json] = (),
        advanced_event_selectors: Sequence[Json] = (),
    ) -> Json:
        """Say which events a trail takes down."""
        if advanced_event_selectors:
            raise not_simulated("a trail's advanced event selectors")
        trail = self._at_home(call, trail_name)
        checks.check_selectors(event_selectors)
        trail.selectors = [
            {
                "ReadWriteType": each.get("ReadWriteType", "All"),
                "IncludeManagementEvents": True,
                "DataResources": [],
                "ExcludeManagementEventSources": each.get("ExcludeManagementEventSources", []),
            }
            for each in event_selectors
        ]
        return {"TrailARN": trail.arn, "EventSelectors": trail.selectors}

    def get_event_selectors(self, call: Call, *, trail_name: str) -> Json:
        """Return which events a trail takes down."""
        trail = self._find(call, trail_name)
        return {"TrailARN": trail.arn, "EventSelectors": trail.selectors}

    def add_tags(self, call: Call, *, resource_id: str, tags_list: Sequence[Json]) -> Json:
        """Add tags to a trail, or change their values."""
        trail = self._tagged(call, resource_id)
        trail.tags = tagging.added(trail.tags, tags_list)
        return {}

    def remove_tags(self, call: Call, *, resource_id: str, tags_list: Sequence[Json]) -> Json:
        """Remove tags; one given with a value only if it has that value."""
        trail = self._tagged(call, resource_id)
        trail.tags = tagging.removed(trail.tags, tags_list)
        return {}

    def list_tags(
        self, call: Call, *, resource_id_list: Sequence[str], next_token: str | None = None
    ) -> Json:
        """List the tags of trails; all are on the first page."""
        if next_token is not None:
            raise AwsError("InvalidTokenException", "The token is not valid.")
        found = [self._tagged(call, each) for each in resource_id_list]
        return {
            "ResourceTagList": [
                {"ResourceId": each.arn, "TagsList": tagging.listed(each.tags)} for each in found
            ]
        }

    def list_public_keys(
        self,
        call: Call,
        *,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        next_token: str | None = None,
    ) -> Json:
        """List the keys that signed a Region's digest files within a time; now, if none is said."""
        if next_token is not None:
            raise AwsError("InvalidTokenException", "The token is not valid.")
        end = end_time or max(call.now, start_time or call.now)
        start = start_time or min(call.now, end)
        if start > end:
            raise AwsError(
                "InvalidTimeRangeException",
                "Invalid time range: the start time is later than the end time.",
            )
        return {
            "PublicKeyList": [
                {
                    "Value": key.public,
                    "ValidityStartTime": key.since,
                    "ValidityEndTime": key.until,
                    "Fingerprint": key.fingerprint,
                }
                for key in self._keys.between(call.region, start, end)
            ]
        }

    # What the operations share

    def _stop(self, trail: LoggingTrail, call: Call) -> None:
        if trail.logging:
            trail.logging, trail.stopped = False, call.now
            self._follower.stopped(trail)

    def _check_room(self, made: LoggingTrail) -> None:
        own = [trail for trail in self._trails.values() if trail.account == made.account]
        if any(trail.name == made.name and trail.is_seen_in(made.home_region) for trail in own):
            raise AwsError(
                "TrailAlreadyExistsException",
                f"Trail {made.name} already exists for customer: {made.account}",
            )
        regions = {made.home_region}
        if made.multi_region:
            regions |= {trail.home_region for trail in own}
        for region in sorted(regions):
            if sum(trail.is_seen_in(region) for trail in own) >= TRAILS:
                raise AwsError(
                    "MaximumNumberOfTrailsExceededException",
                    f"User: {made.account} already has {TRAILS} trails in {region}.",
                )

    def _find(self, call: Call, name: str) -> LoggingTrail:
        """Return the trail of a name, as the Region knows it, or of an ARN."""
        _check_reference(name)
        if name.startswith("arn:"):
            found, arn = self._trails.get(name), name
        else:
            partition = partition_of(call.region)
            arn = f"arn:{partition}:cloudtrail:{call.region}:{call.account}:trail/{name}"
            found = self._trails.get(arn) or next(
                (
                    trail
                    for trail in self._trails.values()
                    if (trail.account, trail.name) == (call.account, name) and trail.multi_region
                ),
                None,
            )
        if found is None or found.account != call.account:
            raise AwsError(
                "TrailNotFoundException", f"Unknown trail: {arn} for the user: {call.account}"
            )
        return found

    def _at_home(self, call: Call, name: str) -> LoggingTrail:
        trail = self._find(call, name)
        if trail.home_region != call.region:
            raise AwsError(
                "InvalidHomeRegionException",
                f"The trail {trail.arn} can be changed only in its home Region, "
                f"{trail.home_region}; found {call.region}.",
            )
        return trail

    def _tagged(self, call: Call, arn: str) -> LoggingTrail:
        """Return the trail of an ARN, whose tags are meant."""
        if not _ARN.fullmatch(arn):
            raise AwsError("CloudTrailARNInvalidException", f"{arn} is not the ARN of a trail.")
        found = self._trails.get(arn)
        if found is None or found.account != call.account:
            raise AwsError("ResourceNotFoundException", f"The trail {arn} does not exist.")
        return found


def _check_reference(name: str) -> None:
    if not name.startswith("arn:"):
        checks.check_name(name)
    elif not _ARN.fullmatch(name):
        raise AwsError("CloudTrailARNInvalidException", f"{name} is not the ARN of a trail.")


def _refuse_unmodelled(members: dict[str, object]) -> None:
    for member, value in members.items():
        if value:
            raise not_simulated(_UNMODELLED.get(member, f"a trail with {member}"))


def _given(wanted: bool | None, current: bool) -> bool:  # noqa: FBT001 - two flags, one result
    return current if wanted is None else wanted


def _text(moment: datetime | None) -> str:
    return iso(moment) if moment else ""


def _settings(trail: LoggingTrail) -> Json:
    """Return a trail as CreateTrail and UpdateTrail answer it."""
    return {
        "Name": trail.name,
        "S3BucketName": trail.bucket,
        "S3KeyPrefix": trail.prefix,
        "IncludeGlobalServiceEvents": trail.global_events,
        "IsMultiRegionTrail": trail.multi_region,
        "TrailARN": trail.arn,
        "LogFileValidationEnabled": trail.validated,
        "IsOrganizationTrail": False,
    }


def _description(trail: LoggingTrail) -> Json:
    return {
        **_settings(trail),
        "HomeRegion": trail.home_region,
        "HasCustomEventSelectors": trail.has_custom_selectors,
        "HasInsightSelectors": False,
    }
