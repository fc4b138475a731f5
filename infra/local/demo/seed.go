package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Seed fills a chain of its own with partners, by a roster and without notices,
// and has the first few of them join by a link. It is for whoever wants to see
// the product with as many partners as they have. What it says goes to Out.
func (d *Demo) Seed(ctx context.Context, partners, joined int) error {
	if partners < 1 || partners > mostSeeded || joined < 0 || joined > partners {
		return fmt.Errorf("seed: %d partners of which %d have joined: want 1 to %d, and no more joined than there are", partners, joined, mostSeeded)
	}
	began := time.Now()
	if _, err := d.found(ctx); err != nil {
		return err
	}
	_, imp, err := d.send(ctx, "seed.csv", seedRoster(partners), map[string]any{"notify": false}, "done")
	if err != nil {
		return err
	}
	if imp.Created != partners {
		return fmt.Errorf("seed: the import made %d partners of %d: %+v", imp.Created, partners, imp)
	}
	fmt.Fprintf(d.Out, "%d partners in %s after %.0f s\n", partners, d.chain, time.Since(began).Seconds())

	var link inviteAnswer
	if _, err := d.boss.do(ctx, "POST", d.chain+"/invites", map[string]any{}, &link); err != nil {
		return err
	}
	next := make(chan int)
	errs := make([]error, seedClients)
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for i := range errs {
		wg.Go(func() {
			for n := range next {
				if errs[i] = d.seedJoin(ctx, n, link.Token); errs[i] != nil {
					cancel()
					return
				}
			}
		})
	}
	for n := range joined {
		select {
		case next <- n:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(next)
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("seed: join: %w", err)
	}
	fmt.Fprintf(d.Out, "%d of them have joined, after %.0f s\nthe owner signs in as %s, the first dealer as %s\n", joined, time.Since(began).Seconds(), bossPhone, seedDealer(0).phone)
	return ctx.Err()
}

const (
	mostSeeded  = 1_000_000
	seedClients = 8
)

// seedJoin has the n-th dealer join, with a corp made on the spot.
func (d *Demo) seedJoin(ctx context.Context, n int, token string) error {
	k := seedDealer(n)
	p, err := d.signIn(ctx, k.phone, k.name)
	if err != nil {
		return err
	}
	status, err := p.do(ctx, "POST", "/v1/join/"+token, map[string]any{"new_corp": map[string]any{"name": k.corp}}, nil)
	if err != nil || status != http.StatusCreated {
		return fmt.Errorf("dealer %d: got %d %v, want 201", n, status, err)
	}
	return nil
}

// What dealers are called is put together from these, so that names share
// characters and readings as real ones do, polyphones among them.
var (
	seedPlaces   = []string{"重庆", "成都", "长沙", "厦门", "单县", "乐山", "蚌埠", "深圳", "北京", "上海", "大理", "西安", "番禺", "六安", "台州", "無錫"}
	seedWords    = []string{"宏远", "长乐", "行知", "朝阳", "中兴", "和盛", "恒通", "佳乐", "永兴", "银河", "大同", "调味", "都好", "奇正", "车行", "万家", "联华", "正行", "广发", "重光"}
	seedTrades   = []string{"贸易", "商行", "建材", "电器", "物流", "家具", "食品", "科技"}
	seedForms    = []string{"有限公司", "经营部", "有限责任公司", "Trading Co"}
	seedSurnames = []string{"张", "王", "李", "单", "曾", "解", "仇", "区", "乐", "盖", "欧阳", "查", "任", "朴"}
	seedGiven    = []string{"伟", "芳", "秀英", "长江", "重阳", "敏", "静", "行之", "强", "磊", "洋", "艳", "乐天", "军"}
	seedGroups   = []string{"华东区/浙江省", "华东区/江苏省", "华南区/广东省", "西南区/四川省", "西南区/重庆市", "重点经销商"}
)

// seedDealer is the n-th dealer: always the same.
func seedDealer(n int) dealer {
	pick := func(of []string, step int) string { return of[n/step%len(of)] }
	corp := pick(seedPlaces, 1) + pick(seedWords, 3) + pick(seedTrades, 7) + fmt.Sprintf("%06d", n) + pick(seedForms, 11)
	return dealer{name: pick(seedSurnames, 1) + pick(seedGiven, 5), corp: corp, phone: fmt.Sprintf("+86199%08d", 10_000_000+n)}
}

// seedRoster is the roster of n dealers.
func seedRoster(n int) []byte {
	var b bytes.Buffer
	fmt.Fprintln(&b, "企业名称,联系人姓名,身份,手机号,上下游分组,自定义企业ID")
	for i := range n {
		k := seedDealer(i)
		fmt.Fprintf(&b, "%s,%s,负责人,%s,%s,S%07d\n", k.corp, k.name, k.phone[3:], seedGroups[i%len(seedGroups)], i)
	}
	return b.Bytes()
}
