"""Makes the workbooks of this folder that Python, LibreOffice and nobody but this file itself write, and grid.json, from which
make.mjs and make.go write theirs. All hold the same roster; what comes of each row stands beside it in grid.json.

    pip install openpyxl==3.1.5 xlsxwriter==3.3.1
    python make.py && node make.mjs && go run make.go

LibreOffice 7.4.7 was `soffice`; without it libreoffice.xlsx is left as it is.
"""
import datetime
import json
import os
import shutil
import struct
import subprocess
import tempfile
import zlib
from xml.sax.saxutils import escape

import openpyxl
import xlsxwriter
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.styles import Font, PatternFill

HIDDEN, ROSTER, NOTES = "字典", "名单", "填写说明"
HEADER = ["手机 号码＊", "企业\n名称*", "备注", "联系人姓名（必填）", "身　份", "上下游分组", "自定义企业 ID", "自定义成员ID", "合作日期", "是否签约"]
MERGES = ["A1:J1", "F6:F9", "B20:B22", "G20:G22", "I20:J20"]
ERROR, DATE, FORMULA, RICH = "error", "date", "formula", "rich"


def grid():
    """The rows by number: cells from column A on, and what must come of them."""
    rows = {1: (["2026年度经销商名单（华东）"], None), 3: (HEADER, None)}
    number = 3

    def put(phone, want, corp=None, note=None, contact="王伟", identity=None, group=None, custom=None, member=None, date=None, signed=None, code=None, field=None, expect=None):
        nonlocal number
        number += 1
        if corp is None:
            corp = f"苏州恒通建材{number}有限公司"
        row = {"phone": want, "corp": corp, "contact": contact, "leader": identity in ("负责人", "Leader"), "group": group or "", "custom_id": custom or "", "member_custom_id": member or ""}
        row = {k: v for k, v in row.items() if isinstance(v, (str, bool))}
        row.update(expect or {})
        if code:
            row = {"code": code, "field": field}
        rows[number] = ([phone, corp, note, contact, identity, group, custom, member, date, signed], row)

    def blank(cells=()):
        nonlocal number
        number += 1
        rows[number] = (list(cells), None)

    put("13900000001", "+8613900000001", identity="负责人", group="华东区/江苏省/苏州市", custom="A001", member="1001", date={DATE: "2026-01-31"}, signed=True)  # 4
    put(13900000002, "+8613900000002", note="数字存储", date={DATE: "2025-12-01"}, signed=False)  # 5
    put("13900000003", "+8613900000003", group="华南区/广西", note="合并分组")  # 6
    for i in range(3):  # 7 to 9: below a merged group
        put(13900000004 + i, f"+861390000000{4 + i}", expect={"group": "华南区/广西"}, note="line\nbreak" if i else "a & b < c > \"d\"")
    put("+852 5123 4567", "+85251234567", corp="香港万家物流(HK)有限公司", contact="陈大文", identity="Leader", group="海外/香港")  # 10
    put("+853 6612 3456", "+85366123456", contact="何 小姐", expect={"contact": "何 小姐"})  # 11
    put("１３９０００００００８", "+8613900000008", contact="欧阳静")  # 12
    put("139\u00a00000\u200b\u00a00009\u200e", "+8613900000009", contact="买买提·吐尔逊")  # 13
    blank()  # 14
    put("'13900000010", "+8613900000010", contact={RICH: ["张", "静（采", "购）"]}, expect={"contact": "张静(采购)"})  # 15
    put("1.39E+10", "", code="phone_digits_lost", field="phone")  # 16
    put(139000000012345678, "", code="phone_digits_lost", field="phone")  # 17
    blank([None, None, "只有备注的一行", None, None, None, None, None, {DATE: "2026-02-28"}, True])  # 18
    put({ERROR: "#N/A"}, "", code="cell_error", field="phone")  # 19
    put("13900000020", "+8613900000020", corp="宁波佳和商贸有限公司", contact="胡杰", identity="负责人", custom="D1000004", member=100004, expect={"member_custom_id": "100004"}, date="长期")  # 20
    for i, name in enumerate(["陈静", "刘洋"]):  # 21, 22: below a merged name and id
        put(f"1390000002{1 + i}", f"+861390000002{1 + i}", corp="", contact=name, identity="成员", expect={"corp": "宁波佳和商贸有限公司", "custom_id": "D1000004"})
    put({FORMULA: "13900000000+23", "value": 13900000023}, "+8613900000023", note="公式")  # 23
    put(13900000024, "+8613900000024", signed={FORMULA: "1>0", "value": True})  # 24
    put("", "", code="phone_missing", field="phone")  # 25
    put(True, "", code="phone_invalid", field="phone")  # 26
    put("12345", "", code="phone_invalid", field="phone")  # 27
    put(13900000028, "", corp=" \u3000", code="corp_name_missing", field="corp_name")  # 28
    put(13900000029, "", contact="王伟/李娜", code="contact_name_invalid", field="contact_name")  # 29
    put(13900000030, "", identity="老板", code="identity_invalid", field="identity")  # 30
    put(13900000031, "+8613900000031", corp="Acme (Ningbo) Co", contact="Conor O'Brien")  # 31
    put(13900000032, "+8613900000032", corp=360, expect={"corp": "360"})  # 32
    put(13900000033, "+8613900000033", corp="𠮷野家(上海)有限公司", contact="𠮷野")  # 33: beyond the basic plane
    put(13900000034, "+8613900000034", note=0.1, date=-1.5e-7, signed=1e300)  # 34
    put(13900000035, "+8613900000035", note="=1+1", date="+1", signed="@x")  # 35: texts that look like formulas
    put(13900000036, "", member="01234", code="member_custom_id_invalid", field="member_custom_id")  # 36
    put(13900000037, "", custom="A-08", code="custom_id_invalid", field="custom_id")  # 37
    put(13900000038, "+8613900000038", note=" 前后空格 ", contact=" 李　娜 ", expect={"contact": "李 娜"})  # 38
    put(13900000039, "+8613900000039", note="_x000D_ and _x005F_ and _x12", contact="赵敏")  # 39
    blank(), blank(), blank()  # 40 to 42
    surnames, given = "王李张刘陈杨黄赵周吴", ["伟", "芳", "娜", "秀英", "敏", "静", "丽", "强", "磊", "洋"]
    for i in range(18):  # 43 to 60
        put(f"139000001{i:02d}" if i % 2 else 13900000100 + i, f"+86139000001{i:02d}", corp=f"沈阳启明木业{i // 3}经营部", contact=surnames[i % 10] + given[i * 7 % 10],
            identity=["成员", "负责人", None][i % 3], group="东北区/辽宁省" if i % 3 == 0 else None, custom=f"S{i // 3}", member=7000 + i if i % 4 else None,
            date={DATE: f"2026-03-{i + 1:02d}"}, signed=i % 2 == 0, expect={"member_custom_id": str(7000 + i) if i % 4 else ""})
    put(13900000100, "", corp="沈阳启明木业0经营部", contact="另一人", custom="S0", code="duplicate_contact", field="phone")  # 61
    return rows


def value(cell):
    """A cell without what only some writers can say."""
    if isinstance(cell, dict):
        if RICH in cell:
            return "".join(cell[RICH])
        if DATE in cell:
            return datetime.date.fromisoformat(cell[DATE])
        if ERROR in cell:
            return cell[ERROR]
        return "=" + cell[FORMULA]
    return cell


def by_openpyxl(rows):
    book = openpyxl.Workbook()
    book.active.title = HIDDEN
    book.active.append(["企业名称", "联系人姓名", "手机号"])
    book.active.append(["不该读到", "隐藏", "13911111111"])
    book.active.sheet_state = "hidden"
    sheet, notes = book.create_sheet(ROSTER), book.create_sheet(NOTES)
    notes["A1"] = "每行一位联系人"
    for number, (cells, _) in rows.items():
        for column, cell in enumerate(cells, 1):
            if cell is None:
                continue
            c = sheet.cell(number, column)
            if isinstance(cell, dict) and RICH in cell:
                c.value = CellRichText(cell[RICH][0], *[TextBlock(InlineFont(b=True), s) for s in cell[RICH][1:]])
                continue
            c.value = value(cell)
            if isinstance(cell, str) and cell.startswith("="):
                c.data_type = "s"
    for c in sheet[3]:
        c.font, c.fill = Font(bold=True), PatternFill("solid", fgColor="DDEBF7")
    for m in MERGES:
        sheet.merge_cells(m)
    for number in range(62, 80):
        sheet.cell(number, 1).fill = PatternFill("solid", fgColor="FFFFEE")
    sheet.row_dimensions[31].hidden = True
    sheet.column_dimensions["C"].hidden = True
    sheet.auto_filter.ref = "A3:J61"
    sheet.freeze_panes = "A4"
    book.active = 1
    book.save("openpyxl.xlsx")


def by_openpyxl_write_only(rows):
    book = openpyxl.Workbook(write_only=True)
    book.create_sheet(HIDDEN).sheet_state = "veryHidden"
    sheet = book.create_sheet(ROSTER)
    for number in range(1, max(rows) + 1):
        cells = []
        for cell in rows.get(number, ([], None))[0]:
            c = WriteOnlyCell(sheet, value(cell))
            if isinstance(cell, str) and cell.startswith("="):
                c.data_type = "s"
            cells.append(c)
        sheet.append(cells)
    for m in MERGES:
        sheet.merged_cells.add(m)
    book.active = 1
    book.save("openpyxl-write-only.xlsx")


def by_xlsxwriter(rows, name, constant):
    book = xlsxwriter.Workbook(name, {"constant_memory": constant, "strings_to_numbers": False, "strings_to_formulas": False, "strings_to_urls": False})
    hidden, sheet, notes = book.add_worksheet(HIDDEN), book.add_worksheet(ROSTER), book.add_worksheet(NOTES)
    hidden.write_row(0, 0, ["企业名称", "联系人姓名", "手机号"])
    hidden.hide()
    sheet.activate(), sheet.set_first_sheet()
    notes.write(0, 0, "每行一位联系人")
    date, bold, text = book.add_format({"num_format": "yyyy/m/d"}), book.add_format({"bold": True}), book.add_format({"num_format": "@"})
    sheet.set_column("A:A", 18, text)
    sheet.set_column("C:C", 20, None, {"hidden": True})
    sheet.freeze_panes(3, 0)
    sheet.data_validation("E4:E1000", {"validate": "list", "source": ["成员", "负责人"]})
    for number in range(1, 80):
        cells = rows.get(number, ([], None))[0]
        if number == 31:
            sheet.set_row(30, None, None, {"hidden": True})
        for column, cell in enumerate(cells):
            at = (number - 1, column)
            if cell is None:
                sheet.write_blank(*at, None, bold)
            elif isinstance(cell, dict) and RICH in cell:
                parts = []
                for i, s in enumerate(cell[RICH]):
                    parts += [bold, s] if i % 2 else [s]
                if constant:
                    sheet.write_string(*at, "".join(cell[RICH]))
                else:
                    sheet.write_rich_string(*at, *parts)
            elif isinstance(cell, dict) and DATE in cell:
                sheet.write_datetime(*at, datetime.datetime.fromisoformat(cell[DATE]), date)
            elif isinstance(cell, dict) and ERROR in cell:
                sheet.write_formula(*at, "=NA()", None, cell[ERROR])
            elif isinstance(cell, dict):
                sheet.write_formula(*at, "=" + cell[FORMULA], None, cell["value"])
            elif isinstance(cell, bool):
                sheet.write_boolean(*at, cell)
            elif isinstance(cell, (int, float)):
                sheet.write_number(*at, cell)
            elif cell == "":
                sheet.write_blank(*at, None, text)
            else:
                sheet.write_string(*at, cell, bold if number == 3 else None)
        if number > 61:
            sheet.write_blank(number - 1, 9, None, date)
    if not constant:  # its rows are gone by then
        for m in MERGES:
            top, left, bottom, right = openpyxl.utils.cell.range_boundaries(m)[1], *[openpyxl.utils.cell.range_boundaries(m)[i] for i in (0, 3, 2)]
            cell = rows[top][0][left - 1] if left <= len(rows[top][0]) else None
            sheet.merge_range(top - 1, left - 1, bottom - 1, right - 1, "" if cell is None else cell)
    book.close()


def by_libreoffice():
    if not shutil.which("soffice"):
        return
    with tempfile.TemporaryDirectory() as d:
        # Not by way of .ods, which forgets that a sheet was hidden.
        subprocess.run(["soffice", f"-env:UserInstallation=file://{d}/profile", "--headless", "--convert-to", "xlsx", "--outdir", d, "hand-excel.xlsx"], check=True, stdout=subprocess.DEVNULL)
        shutil.copy(os.path.join(d, "hand-excel.xlsx"), "libreoffice.xlsx")


# What follows is written by hand, in the shape that Excel gives a workbook.

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT = "http://purl.oclc.org/ooxml/"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/"
DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n'


def column(n):
    return chr(ord("A") + n)


def serial(day):
    return (datetime.date.fromisoformat(day) - datetime.date(1899, 12, 30)).days


def excel_text(s):
    """Excel's own escape: a carriage return, and an underscore that would look like an escape."""
    out = ""
    for i, c in enumerate(s):
        seven = s[i:i + 7]
        if c == "_" and len(seven) == 7 and seven[1] == "x" and seven[6] == "_" and all(h in "0123456789ABCDEFabcdef" for h in seven[2:6]):
            c = "_x005F_"
        out += c
    return escape(out)


def excel_parts(rows, strict=False):
    strings, index, total = [], {}, 0

    def shared(xml):
        nonlocal total
        total += 1
        if xml not in index:
            index[xml] = len(strings)
            strings.append(xml)
        return index[xml]

    def t(s):
        space = ' xml:space="preserve"' if s != s.strip() or "\n" in s else ""
        return f"<t{space}>{excel_text(s)}</t>"

    def c(ref, cell):
        if cell is None or cell == "":
            return f'<c r="{ref}" s="2"/>'
        if isinstance(cell, str):
            xml = t(cell)
            if cell == "欧阳静":  # Japanese and Chinese editions keep how a text is read
                xml += '<rPh sb="0" eb="2"><t>オウヨウ</t></rPh><phoneticPr fontId="1" type="noConversion"/>'
            return f'<c r="{ref}" s="1" t="s"><v>{shared(xml)}</v></c>'
        if isinstance(cell, bool):
            return f'<c r="{ref}" t="b"><v>{int(cell)}</v></c>'
        if isinstance(cell, dict):
            if RICH in cell:
                runs = "".join(f'<r>{"<rPr><b/><sz val=%s/><rFont val=%s/></rPr>" % (chr(34) + "11" + chr(34), chr(34) + "宋体" + chr(34)) if i else ""}{t(s)}</r>' for i, s in enumerate(cell[RICH]))
                return f'<c r="{ref}" t="s"><v>{shared(runs)}</v></c>'
            if DATE in cell:
                return f'<c r="{ref}" s="3" t="d"><v>{cell[DATE]}T00:00:00</v></c>' if strict else f'<c r="{ref}" s="3"><v>{serial(cell[DATE])}</v></c>'
            if ERROR in cell:
                return f'<c r="{ref}" t="e"><f>NA()</f><v>{cell[ERROR]}</v></c>'
            kind, v = (' t="b"', int(cell["value"])) if isinstance(cell["value"], bool) else ("", cell["value"])
            return f'<c r="{ref}"{kind}><f>{escape(cell[FORMULA])}</f><v>{v}</v></c>'
        v = repr(cell) if isinstance(cell, float) else f"{cell:.16E}".replace("0000000000E", "E") if cell > 1e15 else str(cell)
        return f'<c r="{ref}"><v>{v.upper()}</v></c>'

    data = ""
    for number, (cells, _) in sorted(rows.items()):
        if cells:
            height = ' ht="30" customHeight="1"' if number == 3 else ' hidden="1"' if number == 31 else ""
            data += f'<row r="{number}" spans="1:10"{height} x14ac:dyDescent="0.2">' + "".join(c(f"{column(i)}{number}", cell) for i, cell in enumerate(cells)) + "</row>"
    for number in range(62, 70):
        data += f'<row r="{number}" spans="1:10" s="2" customFormat="1" x14ac:dyDescent="0.2"><c r="A{number}" s="2"/><c r="J{number}" s="3"/></row>'
    main, office = (STRICT + "spreadsheetml/main", STRICT + "officeDocument/relationships") if strict else (MAIN, OFFICE)
    conformance = ' conformance="strict"' if strict else ""
    worksheet = lambda inner: DECLARATION + (
        f'<worksheet xmlns="{main}" xmlns:r="{office}" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" mc:Ignorable="x14ac xr" '
        f'xmlns:x14ac="http://schemas.microsoft.com/office/spreadsheetml/2009/9/ac" xmlns:xr="http://schemas.microsoft.com/office/spreadsheetml/2014/revision" xr:uid="{{0A1B2C3D-0000-0000-0000-000000000000}}">'
        f'{inner}<pageMargins left="0.7" right="0.7" top="0.75" bottom="0.75" header="0.3" footer="0.3"/></worksheet>')
    hidden = worksheet(f'<dimension ref="A1"/><sheetData><row r="1"><c r="A1" t="s"><v>{shared(t("企业名称"))}</v></c></row></sheetData>')
    roster = worksheet(
        '<sheetPr codeName="Sheet2" filterMode="1"/><dimension ref="A1:J69"/><sheetViews><sheetView tabSelected="1" workbookViewId="0"><pane ySplit="3" topLeftCell="A4" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
        '<sheetFormatPr defaultRowHeight="14.25" x14ac:dyDescent="0.2"/><cols><col min="1" max="1" width="18.5" style="1" customWidth="1"/><col min="3" max="3" width="0" hidden="1" customWidth="1"/></cols>'
        f'<sheetData>{data}</sheetData><autoFilter ref="A3:J61"/><mergeCells count="{len(MERGES)}">' + "".join(f'<mergeCell ref="{m}"/>' for m in MERGES) +
        '</mergeCells><phoneticPr fontId="1" type="noConversion"/><conditionalFormatting sqref="A4:A61"><cfRule type="duplicateValues" dxfId="0" priority="1"/></conditionalFormatting>'
        '<dataValidations count="1"><dataValidation type="list" allowBlank="1" sqref="E4:E61"><formula1>"成员,负责人"</formula1></dataValidation></dataValidations>')
    sst = DECLARATION + f'<sst xmlns="{main}" count="{total}" uniqueCount="{len(strings)}">' + "".join(f"<si>{s}</si>" for s in strings) + "</sst>"
    styles = DECLARATION + (
        f'<styleSheet xmlns="{main}"><numFmts count="1"><numFmt numFmtId="176" formatCode="yyyy&quot;年&quot;m&quot;月&quot;d&quot;日&quot;"/></numFmts>'
        '<fonts count="2"><font><sz val="11"/><name val="宋体"/></font><font><sz val="9"/><name val="宋体"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
        '<cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/><xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
        '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0"/><xf numFmtId="176" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>'
        '<cellStyles count="1"><cellStyle name="常规" xfId="0" builtinId="0"/></cellStyles><dxfs count="1"><dxf/></dxfs></styleSheet>')
    book = DECLARATION + (
        f'<workbook xmlns="{main}" xmlns:r="{office}"{conformance}><fileVersion appName="xl" lastEdited="7" lowestEdited="7" rupBuild="22527"/><workbookPr defaultThemeVersion="166925"/>'
        f'<bookViews><workbookView xWindow="0" yWindow="0" windowWidth="20000" windowHeight="10000" firstSheet="1" activeTab="1"/></bookViews>'
        f'<sheets><sheet name="{HIDDEN}" sheetId="1" state="hidden" r:id="rId1"/><sheet name="{ROSTER}" sheetId="3" r:id="rId2"/></sheets>'
        f'<definedNames><definedName name="_xlnm._FilterDatabase" localSheetId="1" hidden="1">{ROSTER}!$A$3:$J$61</definedName></definedNames><calcPr calcId="191029"/></workbook>')
    relationship = lambda n, kind, target: f'<Relationship Id="rId{n}" Type="{office}/{kind}" Target="{target}"/>'
    rels = lambda *all: DECLARATION + f'<Relationships xmlns="{PACKAGE}relationships">' + "".join(all) + "</Relationships>"
    ml = "application/vnd.openxmlformats-officedocument.spreadsheetml."
    types = DECLARATION + (
        f'<Types xmlns="{PACKAGE}content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
        + "".join(f'<Override PartName="/xl/{part}" ContentType="{ml}{kind}+xml"/>' for part, kind in (("workbook.xml", "sheet.main"), ("worksheets/sheet1.xml", "worksheet"), ("worksheets/sheet2.xml", "worksheet"), ("styles.xml", "styles"), ("sharedStrings.xml", "sharedStrings"))) + "</Types>")
    return {
        "[Content_Types].xml": types,
        "_rels/.rels": rels(relationship(3, "extended-properties", "docProps/app.xml"), relationship(1, "officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": book,
        "xl/_rels/workbook.xml.rels": rels(relationship(4, "styles", "styles.xml"), relationship(2, "worksheet", "worksheets/sheet2.xml"), relationship(1, "worksheet", "/xl/worksheets/sheet1.xml"), relationship(5, "sharedStrings", "sharedStrings.xml")),
        "xl/worksheets/sheet1.xml": hidden,
        "xl/worksheets/sheet2.xml": roster,
        "xl/styles.xml": styles,
        "xl/sharedStrings.xml": sst,
        "docProps/app.xml": DECLARATION + '<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties"><Application>Microsoft Excel</Application></Properties>',
    }


def prefixed(xml):
    """Every element of the main name space with a prefix, a byte order mark, apostrophes round attributes, comments, a CDATA section."""
    out, i = "", 0
    while i < len(xml):
        if xml[i] == "<" and xml[i + 1] not in "?!":
            slash = "/" if xml[i + 1] == "/" else ""
            end = xml.index(">", i)
            tag = xml[i + 1 + len(slash):end]
            if not slash and "'" not in tag and "&quot;" not in tag:
                tag = tag.replace('"', "'").replace(" xmlns='", " xmlns:好='")
            out += f"<{slash}好:{tag}>"
            i = end + 1
        else:
            out += xml[i]
            i += 1
    out = out.replace("<好:t>13900000001</好:t>", "<好:t><!-- 号 -->1390000<![CDATA[0001]]></好:t>").replace("<好:sheetData>", "<!-- <row r='9'> --><好:sheetData>\n")
    return "\ufeff" + out


def archive(name, parts, method=zlib.DEFLATED, descriptor=None, zip64=False):
    """A zip archive as its description allows, and hardly a library writes: sizes behind the data (descriptor "signed" or "bare"), or all in 64 bits."""
    out, directory = bytearray(), bytearray()
    for part, text in parts.items():
        raw = text.encode()
        packed, code = raw, 0
        if method:
            z = zlib.compressobj(9, zlib.DEFLATED, -15)
            packed, code = z.compress(raw) + z.flush(), 8
        crc, flags, at = zlib.crc32(raw), 0x800 | (8 if descriptor else 0), len(out)
        sizes = (0xFFFFFFFF, 0xFFFFFFFF) if zip64 else (len(packed), len(raw))
        local = (0, 0, 0) if descriptor else (crc, *sizes)
        extra = struct.pack("<HHQQ", 1, 16, len(raw), len(packed)) if zip64 else b""
        out += struct.pack("<4s5H3I2H", b"PK\3\4", 45 if zip64 else 20, flags, code, 0, 0x5A21, *local, len(part.encode()), len(extra)) + part.encode() + extra + packed
        if descriptor:
            out += (b"PK\7\x08" if descriptor == "signed" else b"") + struct.pack("<3I", crc, len(packed), len(raw))
        extra = struct.pack("<HHQQQ", 1, 24, len(raw), len(packed), at) if zip64 else b""
        directory += struct.pack("<4s6H3I5H2I", b"PK\1\2", 45, 45 if zip64 else 20, flags, code, 0, 0x5A21, crc, *sizes, len(part.encode()), len(extra), 0, 0, 0, 0, 0xFFFFFFFF if zip64 else at) + part.encode() + extra
    at = len(out)
    out += directory
    if zip64:
        end = len(out)
        out += struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, len(parts), len(parts), len(directory), at) + struct.pack("<4sIQI", b"PK\6\7", 0, end, 1)
        out += struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    else:
        out += struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, len(parts), len(parts), len(directory), at, 0)
    with open(name, "wb") as f:
        f.write(out)


def by_hand(rows):
    excel = excel_parts(rows)
    archive("hand-excel.xlsx", excel)
    archive("hand-strict.xlsx", excel_parts(rows, strict=True))
    spreadsheet = lambda part: part.startswith("xl/") and not part.endswith(".rels")
    archive("hand-prefixes.xlsx", {part: prefixed(s) if spreadsheet(part) else s for part, s in excel.items()})
    archive("hand-zip64.xlsx", excel, zip64=True)
    archive("hand-descriptors.xlsx", excel, descriptor="signed")
    archive("hand-bare-descriptors.xlsx", excel, descriptor="bare")


def main():
    rows = grid()
    with open("grid.json", "w") as f:
        f.write("[\n")
        f.write(",\n".join(json.dumps({"row": n, "cells": cells, "want": want}, ensure_ascii=False) for n, (cells, want) in rows.items()))
        f.write("\n]\n")
    by_openpyxl(rows)
    by_openpyxl_write_only(rows)
    by_xlsxwriter(rows, "xlsxwriter.xlsx", False)
    by_xlsxwriter(rows, "xlsxwriter-constant-memory.xlsx", True)
    by_hand(rows)
    by_libreoffice()


main()
