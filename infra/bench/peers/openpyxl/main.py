"""Imports a roster with openpyxl and boto3, as one would write it in Python: a peer of functions/imports in the benchmarks
(infra/bench/README.md says what it leaves out).

    python main.py <roster.xlsx> <dynamodb endpoint> <table> <chain> <import>
"""

import base64
import hashlib
import json
import sys
import threading
import time
import unicodedata
import zlib
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import boto3
import phonenumbers
from botocore.config import Config
from openpyxl import load_workbook

WRITERS, BATCH = 8, 25
CHUNK = 500  # outcomes of rows that are kept in one item
MOBILE = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)


class Importer:
    def __init__(self, endpoint, table, chain, import_id):
        self.db = boto3.client(
            "dynamodb", region_name="us-east-1", endpoint_url=endpoint, aws_access_key_id="peer", aws_secret_access_key="peer",
            config=Config(max_pool_connections=WRITERS),
        )
        self.table, self.chain, self.id, self.now = table, chain, import_id, str(int(time.time() * 1000))
        self.lock = threading.Lock()
        self.outcomes = []  # since the last that were kept
        self.counts = {"Rows": 0, "Failed": 0, "Written": 0, "There": 0}

    def run(self, file):
        writing, queued = set(), []
        with ThreadPoolExecutor(WRITERS) as pool:
            for statement in self.statements(file):
                queued.append(statement)
                if len(queued) == BATCH:
                    if len(writing) >= 2 * WRITERS:  # so that none of them waits for the next batch
                        done, writing = wait(writing, return_when=FIRST_COMPLETED)
                        for one in done:
                            one.result()
                    writing.add(pool.submit(self.write, queued))
                    queued = []
            if queued:
                writing.add(pool.submit(self.write, queued))
            for one in writing:
                one.result()

    def statements(self, file):
        book = load_workbook(file, read_only=True, data_only=True)
        rows = book.worksheets[0].iter_rows(values_only=True)
        column = {str(name).strip(): n for n, name in enumerate(next(rows)) if name is not None}
        for name in ("企业名称", "联系人姓名", "手机号"):
            if name not in column:
                raise ValueError("no column " + name)

        def cell(row, name):
            n = column.get(name, len(row))
            return unicodedata.normalize("NFKC", str(row[n])).strip() if n < len(row) and row[n] is not None else ""

        partners, contacts = set(), set()
        for row in rows:
            self.counts["Rows"] += 1
            corp, name, phone = cell(row, "企业名称"), cell(row, "联系人姓名"), e164(cell(row, "手机号"))
            if not corp or not name or not phone or len(corp) > 32 or len(name) > 32:
                self.counts["Failed"] += 1
                self.note(self.counts["Rows"] + 1, "invalid")
                continue
            custom_id, member_id = cell(row, "自定义企业ID"), cell(row, "自定义成员ID")
            partner, person = digest(self.chain, custom_id, corp), digest("person", phone)
            if partner + person in contacts:
                continue
            contacts.add(partner + person)
            self.note(self.counts["Rows"] + 1, "create", partner, person)
            if partner not in partners:
                partners.add(partner)
                said = base64.b64encode(hashlib.sha256(f"{name}\0{member_id}".encode()).digest()[:8]).decode()
                yield self.insert({
                    "PK": {"S": f"CHAIN#{self.chain}#P{partner[0]}"}, "SK": {"S": "PARTNER#" + partner},
                    "LPK": {"S": f"CHAIN#{self.chain}#L{ord(partner[0]) % 4}"}, "LSK": {"S": f"1#0000000001#{corp}#{partner}"},
                    "Card": {"M": {
                        "Name": {"S": corp}, "CustomID": {"S": custom_id}, "Group": {"N": "1"}, "State": {"S": "pending"},
                        "Imported": {"BOOL": True}, "Contacts": {"N": "1"}, "Joined": {"N": "0"},
                    }},
                    "People": {"M": {person: {"S": said}}}, "Import": {"S": self.id}, "Epoch": {"N": "0"}, "Edition": {"N": "1"}, "Gate": {"N": "0"},
                })
            item = {
                "PK": {"S": "PERSON#" + person}, "SK": {"S": f"CHAIN#{self.chain}#{partner}"}, "Name": {"S": name}, "Phone": {"S": phone},
                "Leader": {"BOOL": cell(row, "身份") == "负责人"}, "Import": {"S": self.id}, "Chunk": {"N": str(self.counts["Rows"] // 250)},
                "TokenVersion": {"N": "1"}, "NoticeAt": {"N": self.now}, "Inviter": {"S": "peer"}, "Edition": {"N": "1"},
            }
            if member_id:
                item["MemberCustomID"] = {"S": member_id}
            yield self.insert(item)
        self.keep()

    def note(self, row, outcome, partner="", person=""):
        """What became of a row, for whoever asks later."""
        self.outcomes.append((row, outcome, partner, person))
        if len(self.outcomes) == CHUNK:
            self.keep()

    def keep(self):
        if self.outcomes:
            self.db.put_item(TableName=self.table, Item={
                "PK": {"S": f"CHAIN#{self.chain}#ROWS#{self.id}"}, "SK": {"S": f"CHUNK#{self.outcomes[0][0]:010d}"},
                "Rows": {"B": zlib.compress(json.dumps(self.outcomes).encode())},
            })
            self.outcomes = []

    def insert(self, item):
        """The statement that puts an item where there is none."""
        names = ",".join(f"'{name}':?" for name in item)
        return {"Statement": f'INSERT INTO "{self.table}" VALUE {{{names}}}', "Parameters": list(item.values())}

    def write(self, left):
        """Sends a batch, and again what the table had no time for."""
        written = there = 0
        for n in range(8):
            if n:
                time.sleep(0.01 * 2**n)
            again = []
            for statement, answer in zip(left, self.db.batch_execute_statement(Statements=left)["Responses"]):
                code = answer.get("Error", {}).get("Code")
                if code is None:
                    written += 1
                elif code == "DuplicateItem":
                    there += 1
                elif code in ("ThrottlingError", "ProvisionedThroughputExceeded"):
                    again.append(statement)
                else:
                    raise RuntimeError(answer["Error"]["Message"])
            left = again
            if not left:
                break
        else:
            raise RuntimeError("the table is too busy")
        with self.lock:
            self.counts["Written"] += written
            self.counts["There"] += there


def e164(s):
    """A mobile number, of China if it says no country; "" for what isn't one."""
    try:
        n = phonenumbers.parse(s, "CN")
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(n) or phonenumbers.number_type(n) not in MOBILE:
        return ""
    return phonenumbers.format_number(n, phonenumbers.PhoneNumberFormat.E164)


def digest(*parts):
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit("usage: python main.py <roster.xlsx> <endpoint> <table> <chain> <import>")
    importer = Importer(*sys.argv[2:])
    importer.run(sys.argv[1])
    print(json.dumps(importer.counts))
