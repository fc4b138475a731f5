package sources

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/tributary-app/tributary/infra/local/template"
)

// Object is an object that was created in a bucket.
type Object struct {
	Bucket, Key string
	Event       string // "ObjectCreated:Put", "ObjectCreated:Post"…
	Size        int64
	ETag        string // without quotes
	At          time.Time
	RequestID   string
	SourceIP    string
}

// Wants says whether a function that is triggered by t is to be told of o.
func Wants(t template.ObjectTrigger, o Object) bool {
	if t.Bucket != o.Bucket || !strings.HasPrefix(o.Key, t.Prefix) || !strings.HasSuffix(o.Key, t.Suffix) {
		return false
	}
	for _, e := range t.Events {
		e = strings.TrimPrefix(e, "s3:")
		if all, ok := strings.CutSuffix(e, "*"); ok && strings.HasPrefix(o.Event, all) || e == o.Event {
			return true
		}
	}
	return false
}

// ObjectEvent is the notification as S3 sends it. The key is encoded as in a form: a space is a plus.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
func ObjectEvent(t template.ObjectTrigger, o Object, region string) []byte {
	key := strings.ReplaceAll(url.QueryEscape(o.Key), "%2F", "/")
	return mustJSON(map[string]any{"Records": []any{map[string]any{
		"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": region, "eventName": o.Event,
		"eventTime":         o.At.UTC().Format("2006-01-02T15:04:05.000Z"),
		"userIdentity":      map[string]string{"principalId": "AWS:LOCAL"},
		"requestParameters": map[string]string{"sourceIPAddress": o.SourceIP},
		"responseElements":  map[string]string{"x-amz-request-id": o.RequestID, "x-amz-id-2": "local"},
		"s3": map[string]any{
			"s3SchemaVersion": "1.0", "configurationId": t.ID,
			"bucket": map[string]any{"name": o.Bucket, "arn": "arn:aws:s3:::" + o.Bucket, "ownerIdentity": map[string]string{"principalId": "LOCAL"}},
			"object": map[string]any{"key": key, "size": o.Size, "eTag": o.ETag, "sequencer": fmt.Sprintf("%016X", o.At.UnixNano())},
		},
	}}})
}

// ScheduleEvent is what EventBridge Scheduler sends to a function whose schedule has no input of its own.
func ScheduleEvent(s template.Schedule, region, account, id string, at time.Time) []byte {
	if s.Input != nil {
		return s.Input
	}
	return mustJSON(map[string]any{
		"version": "0", "id": id, "detail-type": "Scheduled Event", "source": "aws.scheduler", "account": account,
		"time": at.UTC().Format(time.RFC3339), "region": region,
		"resources": []string{fmt.Sprintf("arn:aws:scheduler:%s:%s:schedule/default/%s", region, account, s.ID)},
		"detail":    "{}",
	})
}
