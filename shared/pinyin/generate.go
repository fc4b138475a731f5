//go:build ignore

// generate writes readings.bin from two modules' data, which `go mod download` fetches and checks against the sums of sum.golang.org; neither
// becomes a dependency.
package main

import (
	"encoding/binary"
	"encoding/json"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	pinyinModule     = "github.com/mozillazg/go-pinyin@v0.21.0"                   // MIT
	simplifiedModule = "github.com/liuzl/gocc@v0.0.0-20231231122217-0372e1059ca5" // Apache-2.0, with OpenCC's dictionaries (Apache-2.0)

	first, last = 0x4E00, 0x9FFF // CJK Unified Ideographs, as pinyin.go has it
)

func main() {
	log.SetFlags(0)
	readings := map[rune][]string{}
	line := regexp.MustCompile(`0x([0-9A-F]+): +"([^"]+)"`)
	for _, m := range line.FindAllStringSubmatch(read(pinyinModule, "pinyin_dict.go"), -1) {
		n, err := strconv.ParseUint(m[1], 16, 32)
		if err != nil {
			log.Fatal(err)
		}
		if n < first || n > last {
			continue
		}
		for _, r := range strings.Split(m[2], ",") {
			if r = plain(r); strings.ContainsAny(r, "aeiouv") && len(r) <= 6 && !slices.Contains(readings[rune(n)], r) {
				readings[rune(n)] = append(readings[rune(n)], r)
			}
		}
	}
	var syllables []string
	for _, rs := range readings {
		syllables = append(syllables, rs...)
	}
	slices.Sort(syllables)
	syllables = slices.Compact(syllables)

	var list, offsets, out []byte
	count := 0
	for r := rune(first); r <= last; r++ {
		offsets = binary.LittleEndian.AppendUint16(offsets, uint16(count))
		for _, s := range readings[r] {
			i, _ := slices.BinarySearch(syllables, s)
			list = binary.LittleEndian.AppendUint16(list, uint16(i))
			count++
		}
	}
	if count > 0xFFFF {
		log.Fatal("too many readings for an offset of 16 bits")
	}
	offsets = binary.LittleEndian.AppendUint16(offsets, uint16(count))

	var pairs []byte
	n := 0
	type pair struct{ from, to rune }
	var sorted []pair
	for l := range strings.Lines(read(simplifiedModule, "dictionary/TSCharacters.txt")) {
		from, to, ok := strings.Cut(strings.TrimSpace(l), "\t")
		if !ok {
			continue
		}
		f, _ := utf8.DecodeRuneInString(from)
		t, _ := utf8.DecodeRuneInString(to)
		if f != t && f <= 0xFFFF && t <= 0xFFFF {
			sorted = append(sorted, pair{f, t})
		}
	}
	slices.SortFunc(sorted, func(a, b pair) int { return int(a.from - b.from) })
	for _, p := range sorted {
		pairs = binary.LittleEndian.AppendUint16(pairs, uint16(p.from))
		pairs = binary.LittleEndian.AppendUint16(pairs, uint16(p.to))
		n++
	}

	out = binary.LittleEndian.AppendUint16(out, uint16(len(syllables)))
	out = binary.LittleEndian.AppendUint16(out, uint16(count))
	out = binary.LittleEndian.AppendUint16(out, uint16(n))
	for _, s := range syllables {
		out = append(out, s...)
		out = append(out, make([]byte, 6-len(s))...)
	}
	out = slices.Concat(out, offsets, list, pairs)
	if err := os.WriteFile("readings.bin", out, 0o644); err != nil {
		log.Fatal(err)
	}
	log.Printf("%d syllables, %d readings, %d traditional characters, %d bytes", len(syllables), count, n, len(out))
}

// plain is a syllable without its tone; ü is v, as it is typed.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		for to, from := range map[rune]string{'a': "āáǎà", 'e': "ēéěèêếề", 'i': "īíǐì", 'o': "ōóǒò", 'u': "ūúǔù", 'v': "üǖǘǚǜ", 'n': "ńňǹ", 'm': "ḿ"} {
			if strings.ContainsRune(from, r) {
				return to
			}
		}
		if r < 'a' || r > 'z' {
			return -1
		}
		return r
	}, s)
}

func read(module, file string) string {
	b, err := exec.Command("go", "mod", "download", "-json", module).Output()
	if err != nil {
		log.Fatal(err)
	}
	var m struct{ Dir string }
	if err := json.Unmarshal(b, &m); err != nil {
		log.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(m.Dir, file))
	if err != nil {
		log.Fatal(err)
	}
	return string(text)
}
