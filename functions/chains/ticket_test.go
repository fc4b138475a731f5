package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tributary-app/tributary/shared/platform"
	"github.com/tributary-app/tributary/shared/roster/form"

	"github.com/tributary-app/tributary/shared/web"
)

// AWS's own example of a browser-based upload under Signature Version 4.
func TestTheSignatureIsThatOfTheDocumentedExample(t *testing.T) {
	t.Parallel()
	const policy = "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7ImJ1Y2tldCI6ICJzaWd2NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJsaWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29tL3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQogICAgeyJ4LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRlLWVuY3J5cHRpb24iOiAiQUVTMjU2In0sDQogICAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZPRE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEEyNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9"
	got := signature("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "20151229", "us-east-1", policy)
	if want := "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The S3 client, which the door can't afford to carry, would sign the same:
// its policy under our signature, its fields under our names, its address.
func TestATicketIsWhatTheSDKWouldSign(t *testing.T) {
	t.Parallel()
	who := credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "a secret", "a session")
	for name, endpoint := range map[string]string{"a server of one's own": "http://127.0.0.1:9", "AWS": ""} {
		client := s3.New(s3.Options{Region: "eu-central-1", Credentials: who}, func(o *s3.Options) {
			if endpoint != "" {
				o.BaseEndpoint, o.UsePathStyle = &endpoint, true
			}
		})
		want, err := s3.NewPresignClient(client).PresignPostObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("rosters"), Key: aws.String("rosters/a")},
			func(o *s3.PresignPostOptions) {
				o.Conditions = []any{[]any{"content-length-range", 1, form.MaxFile}, map[string]string{"Content-Type": csv}}
			})
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse("20060102T150405Z", want.Values["X-Amz-Date"])
		if err != nil {
			t.Fatal(err)
		}
		got, err := tickets{platform.Bucket{Name: "rosters", Region: "eu-central-1", Endpoint: endpoint, Credentials: who, Now: func() time.Time { return at }}}.sign(t.Context(), "rosters/a", csv)
		if err != nil {
			t.Fatal(err)
		}
		if strings.TrimRight(got.URL, "/") != strings.TrimRight(want.URL, "/") {
			t.Errorf("%s: got URL %s, want %s", name, got.URL, want.URL)
		}
		if s := signature("a secret", at.Format("20060102"), "eu-central-1", want.Values["policy"]); s != want.Values["X-Amz-Signature"] {
			t.Errorf("%s: got signature %s, want %s", name, s, want.Values["X-Amz-Signature"])
		}
		for field, value := range want.Values {
			if field == "policy" || field == "X-Amz-Signature" {
				continue
			}
			if ours := got.Fields[strings.Replace(strings.ToLower(field), "content-type", "Content-Type", 1)]; ours != value {
				t.Errorf("%s: got %s %q, want %q", name, field, ours, value)
			}
		}
		if g, w := conditions(t, got.Fields["policy"]), conditions(t, want.Values["policy"]); !reflect.DeepEqual(g, w) {
			t.Errorf("%s: got conditions\n%s, want\n%s", name, strings.Join(g, "\n"), strings.Join(w, "\n"))
		}
	}
}

// conditions are a policy's, each as one line, sorted; S3 takes an eq and an
// object for the same, and doesn't look at case.
func conditions(t *testing.T, policy string) []string {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(policy)
	if err != nil {
		t.Fatal(err)
	}
	var p struct {
		Expiration time.Time
		Conditions []any
	}
	if err := json.Unmarshal(b, &p); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, c := range p.Conditions {
		line, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.ToLower(string(line)))
	}
	slices.Sort(out)
	return out
}

func TestATicketIsForOneFileOfOneTypeAndSize(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"a.xlsx": web.Workbook, "a": web.Workbook, "a.xls": web.Workbook, "a.CSV": csv, "a.b.txt": csv, "a.tsv": csv,
	} {
		if got := typeOf(file); got != want {
			t.Errorf("%s: got %s, want %s", file, got, want)
		}
	}
	ticket, err := tickets{platform.Bucket{Name: "b", Region: "cn-north-1", Credentials: credentials.NewStaticCredentialsProvider("AKID", "s", ""), Now: func() time.Time { return noon }}}.
		sign(t.Context(), "rosters/a", csv)
	if err != nil {
		t.Fatal(err)
	}
	if ticket.URL != "https://b.s3.cn-north-1.amazonaws.com.cn/" {
		t.Errorf("got %s", ticket.URL)
	}
	if _, there := ticket.Fields["x-amz-security-token"]; there {
		t.Errorf("got a session token, want none for lasting credentials")
	}
	lines := strings.Join(conditions(t, ticket.Fields["policy"]), "\n")
	for _, want := range []string{`["content-length-range",1,209715200]`, `{"key":"rosters/a"}`, `{"content-type":"text/csv"}`, `{"bucket":"b"}`} {
		if !strings.Contains(lines, want) {
			t.Errorf("got %s, want %s in it", lines, want)
		}
	}
}

func TestWithoutCredentialsThereIsNoTicket(t *testing.T) {
	t.Parallel()
	lost := errors.New("no credentials")
	_, err := tickets{platform.Bucket{Name: "b", Region: "r", Now: func() time.Time { return noon },
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, lost })}}.sign(t.Context(), "k", csv)
	if !errors.Is(err, lost) {
		t.Errorf("got %v, want %v", err, lost)
	}
}
