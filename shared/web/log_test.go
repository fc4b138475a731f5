package web

import (
	"context"
	"log/slog"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(byTest{}))
	os.Exit(m.Run())
}

// logged is what was logged of one test's requests: tests run side by side,
// and the logger is one.
type logged struct{ records []map[string]any }

type loggedKey struct{}

func logTo(ctx context.Context, l *logged) context.Context {
	return context.WithValue(ctx, loggedKey{}, l)
}

// byTest is a slog.Handler that gives a record to whom the context names.
type byTest struct{}

func (byTest) Enabled(context.Context, slog.Level) bool { return true }
func (h byTest) WithAttrs([]slog.Attr) slog.Handler     { return h }
func (h byTest) WithGroup(string) slog.Handler          { return h }

func (byTest) Handle(ctx context.Context, r slog.Record) error {
	l, ok := ctx.Value(loggedKey{}).(*logged)
	if !ok {
		return nil
	}
	said := map[string]any{"msg": r.Message, "level": r.Level}
	r.Attrs(func(a slog.Attr) bool {
		said[a.Key] = a.Value.Any()
		return true
	})
	l.records = append(l.records, said)
	return nil
}
