// Package sample makes up chains to measure the search by; it is for tests and the bench, never in a function.
package sample

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/tributary-app/tributary/shared/network"
	"github.com/tributary-app/tributary/shared/search"
)

var (
	cities = strings.Fields("北京 上海 广州 深圳 重庆 天津 成都 杭州 武汉 西安 苏州 南京 长沙 郑州 青岛 宁波 东莞 佛山 合肥 厦门 福州 济南 大连 昆明 温州 中山 珠海 惠州 无锡 常州")
	marks  = []rune("华中国新金鑫盛达通恒源泰安信和兴隆宏伟正大东方天地海洋星辰龙凤祥瑞福禄寿康健美佳乐欣荣昌茂丰裕富贵宝德仁义礼智诚明亮光辉元亨利贞博雅文景云锦绣江山河川林森木火土石玉珠翠兰菊梅竹松柏鹏飞鸿运腾骏驰")
	trades = strings.Fields("科技 贸易 食品 餐饮管理 电子 服饰 物流 建材 机械设备 医疗器械 化工 文化传媒 信息技术 商贸 实业 五金 家具 农业 汽车服务 教育咨询 环保 包装材料 网络 生物科技 纺织")
	kinds  = strings.Fields("有限公司 有限公司 有限公司 有限公司 有限责任公司 股份有限公司 商行 经营部 厂 合作社")
	latin  = strings.Fields("Acme Global Sunrise Pacific Golden Dragon Union Star Trading Foods Tech Logistics Group Asia Silk Road Ocean Bright Prime")
	family = []rune("王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许邓韩冯曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤单仇解查")
	given  = []rune("伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂华建国文辉玲红玉梅鹏飞雪琴波宁斌浩宇轩子涵欣怡梓萱一诺俊凯嘉豪思远志成晓东海燕春生荣光立新永福庆祥瑞德仁美珍淑慧婷倩")
)

// Chain makes that many partners with one contact each: ids and phones by chance, as ours are. Four in ten have joined, three in ten have a custom
// id, one in twenty an alias, and as many an English name. All are of one roster, and have the notes that shared/feed gives those.
func Chain(r *rand.Rand, partners int) []search.Entry {
	pick := func(from []string) string { return from[r.IntN(len(from))] }
	rune1 := func(from []rune) string { return string(from[r.IntN(len(from))]) }
	raw := func() (id network.RawID) {
		for i := range id {
			id[i] = byte(r.Uint32())
		}
		return id
	}
	base := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var all []search.Entry
	roster := "im0123456789abcdef"
	const perChunk = 500
	for i := range partners {
		p := search.Entry{Note: roster, Partner: raw().Partner(), Group: 1 + r.IntN(200), State: network.PartnerPending, Edition: 1 + r.IntN(4)}
		mark := rune1(marks) + rune1(marks)
		if r.IntN(3) == 0 {
			mark += rune1(marks)
		}
		p.Name = pick(cities) + mark + pick(trades) + pick(kinds)
		switch r.IntN(20) {
		case 0:
			p.Name = pick(latin) + " " + pick(latin) + " " + pick(latin) + " Co., Ltd."
		case 1:
			p.Alias = mark + pick(trades)
		case 2, 3:
			p.Name = pick(cities) + "市" + mark + pick(trades) + "（" + pick(cities) + "）" + pick(kinds)
		}
		if r.IntN(10) < 3 {
			p.CustomID = fmt.Sprintf("GYS%06d", r.IntN(1000000))
		}
		c := search.Entry{Partner: p.Partner, Person: raw().Person(), Group: p.Group, State: p.State, Edition: 1 + r.IntN(2)}
		c.Name = rune1(family) + rune1(given)
		if r.IntN(5) != 0 {
			c.Name += rune1(given)
		}
		c.Phone = fmt.Sprintf("+861%d%09d", 3+r.IntN(7), r.IntN(1e9))
		if r.IntN(10) < 4 {
			p.State, c.State = network.PartnerJoined, network.PartnerJoined
			p.JoinedAt = base.Add(time.Duration(r.IntN(300*86400)) * time.Second)
			c.JoinedAt = p.JoinedAt
		}
		c.Note = fmt.Sprint(roster, " ", i/perChunk)
		sent := base.Unix()/86400 + int64(i/perChunk%10) // a chain may be told so many a day
		switch n := r.IntN(20); {
		case n < 2 && !c.JoinedAt.IsZero():
			c.Note += fmt.Sprint(" o", c.JoinedAt.Unix()/86400-1)
		case n < 4 && c.JoinedAt.IsZero():
			c.Note += fmt.Sprint(" o", sent+r.Int64N(7))
		case n == 4 && c.JoinedAt.IsZero():
			c.Note += fmt.Sprint(" d", sent+r.Int64N(7))
		case n == 5 && c.JoinedAt.IsZero():
			c.Note += " vgateway"
		}
		all = append(all, p, c)
	}
	return all
}

// Queries are what people type, of each kind some.
func Queries() []string {
	return []string{
		"张", "张伟", "王芳", "贸易", "科技有限公司", "有限公司", "深圳", "上海华", "重庆", "鑫盛达", "股份", "銀行", "貿易", "華信",
		"zhang", "zhangs", "zhangwei", "zs", "zs贸易", "wf", "shenzhen", "chongqing", "zhongqing", "cq", "szhx", "kejiyouxian", "yxgs", "hxkj", "z", "gd",
		"shan", "guangzhou新", "bjkj", "acme", "trad", "golden dragon", "co", "GYS01", "gys123456", "13800", "8888", "0000", "zzzzzz", "没有的名字", "nosuchname",
	}
}
