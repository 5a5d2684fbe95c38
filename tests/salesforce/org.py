# SPDX-License-Identifier: Apache-2.0
"""org - the sandbox as a run needs it: full of customers whose records are known, and its admin side."""
import itertools

import requests
from sf_history import Expected

# Area codes of the geographic kind; those of the sandbox's own samples are left out. In each the numbers 555-0100 to
# 555-0199 are kept free for such use.
AREAS = [
    201, 203, 205, 207, 208, 209, 210, 213, 214, 215, 216, 217, 218, 219, 224, 225, 228, 229, 231, 234, 239, 240, 248, 251, 252,
    253, 254, 256, 260, 262, 267, 269, 270, 276, 281, 301, 302, 304, 305, 307, 308, 309, 310, 312, 313, 314, 315, 316, 317, 318,
    319, 320, 321, 323, 325, 330, 334, 336, 337, 339, 351, 352, 360, 361, 386, 401, 402, 404, 405, 406, 407, 408, 409, 410, 412,
    413, 414, 417, 419, 423, 425, 430, 432, 434, 435, 440, 443, 469, 478, 479, 480, 484, 501, 502, 503, 504, 507, 508, 509, 510,
    512, 513, 515, 516, 517, 518, 530, 540, 541, 551, 559, 561, 562, 563, 567, 570, 571, 573, 574, 580]
FORMS = ["(%s) %s-%s", "%s-%s-%s", "%s.%s.%s", "+1%s%s%s", "+1 %s %s %s"]
FIELDS = ["Phone", "MobilePhone", "Phone", "HomePhone"]
STRANGERS = "+15207730%03d"  # nobody's: the samples have none in this range
MAX_CUSTOMERS = 100 * len(AREAS)


class Admin:
    """The sandbox behind /_sandbox."""

    def __init__(self, url):
        self.url = url

    def ask(self, method, path, body=None, **params):
        reply = requests.request(method, self.url + "/_sandbox" + path, json=body, params=params, timeout=30)
        assert reply.status_code < 300, reply.text
        return reply.json() if reply.text else None

    def stats(self):
        return self.ask("GET", "/stats")

    def configure(self, **settings):
        self.ask("POST", "/config", settings)

    def fault(self, kind, **rule):
        return self.ask("POST", "/faults", {"kind": kind, **rule})["id"]

    def faults(self):
        return self.ask("GET", "/faults")

    def heal(self):
        self.ask("DELETE", "/faults")


def number_of(i):
    return "%03d" % AREAS[i // 100], "555", "01%02d" % (i % 100)


def ani_of(i):
    return "+1" + "".join(number_of(i))


class Org:
    """Customers with one contact and one open case each; ten share an account."""

    def __init__(self, salesforce, count):
        assert count <= MAX_CUSTOMERS, "at most %d customers" % MAX_CUSTOMERS
        self.salesforce, self.count = salesforce, count
        numbers = range(count)
        accounts = self.create("Account", ({"Name": "House %04d" % i} for i in range(count // 10 + 1)))
        self.contacts = self.create("Contact", ({"LastName": "Customer %05d" % i, "AccountId": accounts[i // 10],
                                                 FIELDS[i % len(FIELDS)]: FORMS[i % len(FORMS)] % number_of(i)}
                                                for i in numbers))
        self.cases = self.create("Case", ({"Subject": "Matter %05d" % i, "ContactId": self.contacts[i], "Status": "New",
                                           "AccountId": accounts[i // 10], "Origin": "Phone"} for i in numbers))
        self.by_ani = {ani_of(i): i for i in numbers}

    def create(self, kind, records):
        ids, records = [], iter(records)
        while part := list(itertools.islice(records, 200)):
            reply = self.salesforce.http.post(self.salesforce.base + "/composite/sobjects", timeout=30, json={
                "allOrNone": True, "records": [{"attributes": {"type": kind}, **fields} for fields in part]})
            assert reply.status_code == 200 and all(r["success"] for r in reply.json()), reply.text
            ids += [r["id"] for r in reply.json()]
        return ids

    def numbers_file(self, path, strangers=0.0):
        """For callgen --numbers: every customer, and so many strangers and withheld numbers for one customer."""
        lines = ["1 %s customer" % ani for ani in self.by_ani]
        if strangers:
            lines += ["%g %s stranger" % (strangers * self.count / 20, STRANGERS % i) for i in range(10)]
            lines += ["%g anonymous withheld" % (strangers * self.count / 2)]
        path.write_text("\n".join(lines) + "\n")
        return path

    def expected(self, ani):
        """What must become of a call from this number."""
        i = self.by_ani.get(ani)
        return Expected(writes=False) if i is None else Expected(self.cases[i], self.contacts[i])
