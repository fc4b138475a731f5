#!/usr/bin/env python3
"""Writes the demo roster, 2,000 people of 1,600 made-up dealers, as CSV to stdout.

The names are put together at random and the phones are of a range that the
sample rosters use for nobody; whoever they resemble isn't meant. The same
rows come out every time. dealers-2000.xlsx beside this file is LibreOffice's:

    python3 dealers.py > dealers-2000.csv
    soffice --headless --convert-to xlsx --infilter=CSV:44,34,76,1 dealers-2000.csv
"""
import csv
import random
import sys

DEALERS, COLLEAGUES = 1600, 400

REGIONS = {
    "华东区": {"上海市": ["浦东新区", "闵行区", "嘉定区"], "江苏省": ["南京市", "苏州市", "无锡市"], "浙江省": ["杭州市", "宁波市", "义乌市"]},
    "华南区": {"广东省": ["广州市", "深圳市", "佛山市", "东莞市"], "广西": ["南宁市", "柳州市"], "海南省": ["海口市", "三亚市"]},
    "华北区": {"北京市": ["朝阳区", "海淀区"], "河北省": ["石家庄市", "廊坊市"], "山西省": ["太原市", "大同市"]},
    "华中区": {"湖北省": ["武汉市", "宜昌市"], "湖南省": ["长沙市", "株洲市"], "河南省": ["郑州市", "洛阳市"]},
    "西南区": {"四川省": ["成都市", "绵阳市"], "重庆市": ["渝中区", "江北区"], "云南省": ["昆明市", "大理市"]},
    "西北区": {"陕西省": ["西安市", "咸阳市"], "甘肃省": ["兰州市"]},
    "东北区": {"辽宁省": ["沈阳市", "大连市"], "吉林省": ["长春市"], "黑龙江省": ["哈尔滨市"]},
}
BRANDS = "恒通 顺兴 瑞丰 佳和 天成 泰和 启明 鑫源 百川 德邦 华美 万家 卓越 蓝天 东方红 聚贤 金桥 永盛 宏远 祥云 同创 新港 安居 广源".split()
TRADES = "建材 五金 家居 门窗 木业 灯饰 卫浴 陶瓷 装饰 电器 商贸 家具".split()
FORMS = ["有限公司", "有限责任公司", "（集团）有限公司", "经营部", "专卖店", "商行", "(个体工商户)"]
SURNAMES = "王 李 张 刘 陈 杨 黄 赵 周 吴 徐 孙 马 朱 胡 郭 何 罗 高 林 单 解 仇 欧阳 上官 尉迟".split()
GIVEN = "伟 芳 娜 敏 静 丽 强 磊 军 洋 勇 艳 杰 娟 涛 明 超 霞 平 刚 志强 晓东 海燕 文博 雨桐 一诺 子涵 建国 秀英 梓萱".split()


def main():
    pick = random.Random(20260601)
    places = [(region, province, city) for region, provinces in REGIONS.items() for province, cities in provinces.items() for city in cities]

    names, dealers = set(), []
    while len(dealers) < DEALERS:
        place = pick.choice(places)
        town = place[2].rstrip("市区").removesuffix("新")
        name = town + pick.choice(BRANDS) + pick.choice(TRADES) + pick.choice(FORMS)
        if name not in names:
            names.add(name)
            dealers.append((name, "/".join(place), f"D3{len(dealers) + 1:06d}"))

    def person():
        return pick.choice(SURNAMES) + pick.choice(GIVEN)

    rows = [(name, person(), "负责人", group, custom) for name, group, custom in dealers]
    rows += [(name, person(), "成员", group, custom) for name, group, custom in pick.sample(dealers, COLLEAGUES)]

    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["企业名称", "联系人姓名", "身份", "手机号", "上下游分组", "自定义企业ID", "自定义成员ID"])
    phone = 19903000000
    for number, (name, who, identity, group, custom) in enumerate(rows, 1):
        phone += pick.randint(1, 4)
        out.writerow([name, who, identity, phone, group, custom, 300000 + number])


if __name__ == "__main__":
    main()
