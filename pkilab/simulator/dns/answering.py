"""What the world's DNS server answers to a query. Bytes in, bytes out.

With recursion desired it answers as a resolver of the world, which follows delegations and CNAMEs;
without, as the last name server that such a look-up reaches (`Internet`).

Source: RFC 1035, section 4.1.1; RFC 6891 (EDNS).
"""

from __future__ import annotations

import struct

from dnslib import CLASS, EDNS0, OPCODE, QTYPE, RCODE, DNSHeader, DNSRecord

from pkilab.errors import MalformedError
from pkilab.simulator.dns.internet import Internet, Resolution
from pkilab.simulator.dns.messages import Message, read_message, records, write_message
from pkilab.simulator.dns.names import fold, name_text, parse_name

UDP_BYTES = 512  # without EDNS
EDNS_BYTES = 1232  # the most that is sent over UDP, whatever is offered: no fragments
TCP_BYTES = 65535
QUERY_BYTES = 4096  # no query is longer
_HEADER_BYTES = 12
_RESPONSE, _KEPT = 0x8000, 0x7900  # of the header: QR; opcode and RD, which come back as sent
_OPT, _FIRST_META, _ANY = 41, 128, 255


def answer(internet: Internet, query: bytes, *, udp: bool = False) -> bytes | None:
    """Answer one query; None: it is no query at all and is dropped.

    Args:
        internet: where names are looked up.
        query: the message, without a length.
        udp: whether the response must fit a datagram; if it does not, it says so (TC).
    """
    if len(query) < _HEADER_BYTES:
        return None
    number, bits = struct.unpack("!HH", query[:4])
    if bits & _RESPONSE:
        return None
    header = DNSHeader(number, bits & _KEPT, qr=1, ra=1)
    try:
        asked = _read_query(query) if header.opcode == OPCODE.QUERY else None
    except MalformedError:
        return _refused(DNSRecord(header), "FORMERR")
    if asked is None:
        return _refused(DNSRecord(header), "NOTIMP")
    return _answer(internet, asked, header, udp=udp)


def _answer(internet: Internet, asked: Message, header: DNSHeader, *, udp: bool) -> bytes:
    reply = DNSRecord(header, [asked.q])
    limit = UDP_BYTES if udp else TCP_BYTES
    if opt := next((each for each in asked.ar if each.rtype == _OPT), None):
        reply.add_ar(EDNS0(udp_len=EDNS_BYTES, ext_rcode=int(opt.edns_ver > 0)))
        limit = max(limit, min(opt.edns_len, EDNS_BYTES))
        if opt.edns_ver:  # the upper bits of BADVERS are set
            return write_message(reply)
    kind = QTYPE.forward.get(asked.q.qtype, "")
    if asked.q.qclass != CLASS.IN or _FIRST_META <= asked.q.qtype < _ANY:
        return _refused(reply, "REFUSED")  # other classes, and transfers of zones
    name = fold(asked.q.qname.label)
    look_up = internet.resolve if header.rd else internet.authority
    return _write(reply, look_up(name, kind), limit)


def _read_query(query: bytes) -> Message:
    """Read a query with one question, and at most one OPT record.

    Raises:
        MalformedError: it is not so.
    """
    if len(query) > QUERY_BYTES:
        raise MalformedError("DNS query", found=f"{len(query)} bytes", expected="at most 4096")
    asked = read_message(query)
    if len(asked.questions) != 1 or sum(each.rtype == _OPT for each in asked.ar) > 1:
        found = f"{len(asked.questions)} questions"
        raise MalformedError("DNS query", found=found, expected="one question, at most one OPT")
    if asked.q.qname.label:
        parse_name(name_text(asked.q.qname.label))  # as long as a name may be
    return asked


def _refused(reply: Message, rcode: str) -> bytes:
    reply.header.rcode = getattr(RCODE, rcode)
    return write_message(reply)


def _write(reply: Message, found: Resolution, limit: int) -> bytes:
    finding, question = found.finding, reply.q.qname
    reply.header.aa = int(found.authoritative)
    reply.header.rcode = getattr(RCODE, finding.rcode)
    opt = list(reply.ar)
    reply.rr = records(finding.answer, question)
    reply.auth = records(finding.authority, question)
    reply.ar = [*records(finding.additional, question), *opt]
    whole = write_message(reply)
    if len(whole) <= limit:
        return whole
    reply.rr, reply.auth, reply.ar = [], [], opt
    if limit == TCP_BYTES:  # nothing longer can be said
        reply.header.rcode = RCODE.SERVFAIL
    else:
        reply.header.tc = 1
    return write_message(reply)
