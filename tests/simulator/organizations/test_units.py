MANAGEMENT, PROD, DEV = "111122223333", "222233334444", "333344445555"


def test_units_are_listed_under_their_parent_with_their_path(orgs):
    """A unit's id carries its root's; its path is the organization's ids down to it."""
    workloads = orgs.unit("Workloads")
    production = orgs.unit("Production", workloads)
    assert workloads.startswith(f"ou-{orgs.root.removeprefix('r-')}-")
    (top,) = orgs("ListOrganizationalUnitsForParent", ParentId=orgs.root)["OrganizationalUnits"]
    assert top["Name"] == "Workloads"
    organization = orgs("DescribeOrganization")["Organization"]["Id"]
    below = orgs("DescribeOrganizationalUnit", OrganizationalUnitId=production)
    path = f"{organization}/{orgs.root}/{workloads}/{production}/"
    assert below["OrganizationalUnit"]["Path"] == path
    assert orgs("ListParents", ChildId=production)["Parents"] == [
        {"Id": workloads, "Type": "ORGANIZATIONAL_UNIT"}
    ]
    assert orgs("ListChildren", ParentId=workloads, ChildType="ORGANIZATIONAL_UNIT")[
        "Children"
    ] == [{"Id": production, "Type": "ORGANIZATIONAL_UNIT"}]


def test_names_of_units_differ_under_one_parent_only(orgs):
    """The same name under another parent is another unit's."""
    first = orgs.unit("A")
    orgs.unit("A", first)
    orgs.refused(
        "DuplicateOrganizationalUnitException",
        "CreateOrganizationalUnit",
        ParentId=orgs.root,
        Name="A",
    )
    second = orgs.unit("B")
    rename = {"OrganizationalUnitId": second, "Name": "A"}
    orgs.refused("DuplicateOrganizationalUnitException", "UpdateOrganizationalUnit", **rename)
    orgs("UpdateOrganizationalUnit", OrganizationalUnitId=second, Name="C")
    described = orgs("DescribeOrganizationalUnit", OrganizationalUnitId=second)
    assert described["OrganizationalUnit"]["Name"] == "C"


def test_units_nest_five_levels_deep(orgs):
    """The sixth level below the root is refused."""
    parent = orgs.root
    for level in range(5):
        parent = orgs.unit(f"level {level + 1}", parent)
    reason = orgs.refused(
        "ConstraintViolationException", "CreateOrganizationalUnit", ParentId=parent, Name="x"
    )
    assert reason == "OU_DEPTH_LIMIT_EXCEEDED"


def test_only_an_empty_unit_is_deleted(orgs):
    """Units and accounts in it keep it."""
    outer = orgs.unit("outer")
    inner = orgs.unit("inner", outer)
    orgs.move("prod", inner)
    for unit in (outer, inner):
        orgs.refused(
            "OrganizationalUnitNotEmptyException",
            "DeleteOrganizationalUnit",
            OrganizationalUnitId=unit,
        )
    orgs.move("prod", orgs.root)
    orgs("DeleteOrganizationalUnit", OrganizationalUnitId=inner)
    orgs("DeleteOrganizationalUnit", OrganizationalUnitId=outer)
    orgs.refused(
        "OrganizationalUnitNotFoundException",
        "DescribeOrganizationalUnit",
        OrganizationalUnitId=outer,
    )


def test_an_account_moves_from_where_it_is_to_where_there_is_something(orgs):
    """Source and destination are both named, and both checked."""
    unit = orgs.unit()

    def refused(code, source, destination, account=PROD):
        orgs.refused(
            code,
            "MoveAccount",
            AccountId=account,
            SourceParentId=source,
            DestinationParentId=destination,
        )

    refused("AccountNotFoundException", orgs.root, unit, "444455556666")
    refused("SourceParentNotFoundException", unit, orgs.root)
    refused("DestinationParentNotFoundException", orgs.root, "ou-none-12345678")
    refused("DuplicateAccountException", orgs.root, orgs.root)
    orgs.move("prod", unit)
    organization = orgs("DescribeOrganization")["Organization"]["Id"]
    assert orgs.service.of(PROD) == (organization, f"{organization}/{orgs.root}/{unit}/")
    assert orgs.service.of(DEV) == (organization, f"{organization}/{orgs.root}/")
    below = orgs("ListAccountsForParent", ParentId=unit)["Accounts"]
    assert [each["Id"] for each in below] == [PROD]
    at_root = orgs("ListChildren", ParentId=orgs.root, ChildType="ACCOUNT")["Children"]
    assert [each["Id"] for each in at_root] == [MANAGEMENT, DEV]


def test_what_does_not_exist_is_not_found(orgs):
    """Parents, children and units are looked up before anything is done."""
    nowhere = "ou-none-12345678"
    for operation in ("ListOrganizationalUnitsForParent", "ListAccountsForParent"):
        orgs.refused("ParentNotFoundException", operation, ParentId=nowhere)
    orgs.refused("ChildNotFoundException", "ListParents", ChildId=nowhere)
    orgs.refused("ParentNotFoundException", "CreateOrganizationalUnit", ParentId=nowhere, Name="x")
