package template

import (
	"os"
	"strings"
	"testing"
	"time"
)

var here = Place{
	Stack: "here", Region: "us-east-1", Account: "123456789012",
	Parameters: map[string]string{"Given": "given"}, Refs: map[string]string{"Jobs": "http://queue"},
}

// fill fills in a template in which a function's one variable is expression.
func fill(expression string) (*Application, error) {
	t, err := Parse([]byte(`
Parameters:
  Given: { Type: String }
  Missing: { Type: String }
  Stage: { Type: String, Default: dev }
  Days: { Type: Number, Default: 30 }
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsDev: !Not [!Condition IsProd]
  Long: { "Fn::And": [{ Condition: IsDev }, { "Fn::Not": [{ "Fn::Equals": [{ Ref: Stage }, prod] }] }] }
  Either: !Or [!Condition IsProd, !Condition IsDev]
Globals: { Function: { Timeout: 7, Environment: { Variables: { FROM: globals, V: globals } } } }
Resources:
  Jobs: { Type: AWS::SQS::Queue }
  Named: { Type: AWS::SQS::Queue, Properties: { QueueName: !Sub "${Stage}-named" } }
  Table: { Type: AWS::DynamoDB::Table, Properties: { KeySchema: [] } }
  Files: { Type: AWS::S3::Bucket }
  Absent: { Type: AWS::SQS::Queue, Condition: IsProd }
  OneFunction:
    Type: AWS::Serverless::Function
    Properties: { Environment: { Variables: { V: ` + expression + ` } } }
`))
	if err != nil {
		return nil, err
	}
	return t.Fill(here)
}

func TestIntrinsicFunctionsGiveWhatTheyGiveInTheCloud(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		"plain":                                  "plain",
		"12":                                     "12",
		"true":                                   "true",
		"2012-10-17":                             "2012-10-17",
		"!Ref Given":                             "given",
		"!Ref Stage":                             "dev",
		"!Ref Days":                              "30",
		"{ Ref: Stage }":                         "dev",
		"!Ref AWS::Region":                       "us-east-1",
		"!Ref Jobs":                              "http://queue",
		"!Ref Named":                             "dev-named",
		"!Ref Table":                             "here-Table",
		"!Ref Files":                             "here-files",
		"!Ref OneFunction":                       "here-OneFunction",
		"!GetAtt Named.Arn":                      "arn:aws:sqs:us-east-1:123456789012:dev-named",
		"{ Fn::GetAtt: [Table, Arn] }":           "arn:aws:dynamodb:us-east-1:123456789012:table/here-Table",
		"!GetAtt Files.Arn":                      "arn:aws:s3:::here-files",
		"!GetAtt Jobs.QueueUrl":                  "http://queue",
		"!GetAtt OneFunction.Arn":                "arn:aws:lambda:us-east-1:123456789012:function:here-OneFunction",
		`!Sub "${Stage}/${AWS::AccountId}"`:      "dev/123456789012",
		`!Sub "${Table.Arn}/index/list"`:         "arn:aws:dynamodb:us-east-1:123456789012:table/here-Table/index/list",
		`!Sub "$${!literal} ${ Stage }"`:         "$${literal} dev",
		`!Sub ["${A}-${Stage}", {A: !Ref Days}]`: "30-dev",
		"{ Fn::Sub: '${Stage}' }":                "dev",
		`!Join ["-", [a, !Ref Stage, 3]]`:        "a-dev-3",
		"!If [IsProd, p, d]":                     "d",
		"!If [IsDev, d, !Ref Missing]":           "d", // the branch not taken isn't looked at
		"!If [Long, both, no one]":               "both",
		"!If [Either, one, none]":                "one",
	} {
		app, err := fill(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		if got := app.Functions[0].Environment["V"]; got != want {
			t.Errorf("%s: got %q, want %q", expression, got, want)
		}
	}
}

func TestWhatTheLocalStackDoesNotKnowIsAnError(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		"!Ref Nobody":                   "no parameter or resource",
		"!Ref Missing":                  "has no default",
		"!GetAtt Table.Nonsense":        "doesn't know Nonsense",
		"!GetAtt Nobody.Arn":            "no resource",
		"!If [Nobody, a, b]":            "no condition",
		"!If [IsDev]":                   "wants [condition, then, else]",
		"!ImportValue x":                "doesn't know it",
		"!Join [x]":                     "doesn't know it",
		`!Sub "${Nobody} and ${Given}"`: "no parameter or resource",
	} {
		if app, err := fill(expression); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, %v, want %q", expression, app, err, want)
		}
	}
	for name, events := range map[string]string{
		"type":     "{ X: { Type: SNS, Properties: {} } }",
		"cron":     "{ X: { Type: ScheduleV2, Properties: { ScheduleExpression: 'cron(0 * * * ? *)' } } }",
		"no path":  "{ X: { Type: HttpApi } }",
		"not a DB": "{ X: { Type: DynamoDB, Properties: { Stream: nonsense } } }",
	} {
		tm, err := Parse([]byte("Resources: { F: { Type: AWS::Serverless::Function, Properties: { Events: " + events + " } } }"))
		if err != nil {
			t.Fatal(err)
		}
		if app, err := tm.Fill(here); err == nil {
			t.Errorf("%s: got %+v, want an error", name, app)
		}
	}
}

func TestAFunctionIsLaidOverTheGlobals(t *testing.T) {
	t.Parallel()
	app, err := fill("own")
	if err != nil {
		t.Fatal(err)
	}
	f := app.Functions[0]
	if f.Timeout != 7*time.Second || f.MemoryMB != 128 || f.Environment["FROM"] != "globals" || f.Environment["V"] != "own" || f.Folder != "one" {
		t.Errorf("got %+v", f)
	}
	if app, err = fill("!Ref AWS::NoValue"); err != nil || app.Functions[0].Environment["V"] != "globals" {
		t.Errorf("NoValue: got %+v, %v, want the global value", app, err)
	}
	for _, q := range app.Queues {
		if q.ID == "Absent" {
			t.Error("got a resource whose condition doesn't hold")
		}
	}
}

// What the rest of the stack relies on, in the file that is deployed.
func TestTheProjectsTemplateIsUnderstood(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("../../../template.yaml"); err != nil {
		t.Skip("the project has none here")
	}
	tm, err := Read("../../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	place := here
	place.Parameters = map[string]string{"Release": "test", "OidcIssuer": "http://issuer", "OidcAudience": "me", "WebUrl": "http://web", "NoticeWebhookUrl": "http://hook"}
	app, err := tm.Fill(place)
	if err != nil {
		t.Fatal(err)
	}
	if a := app.API.Authorizers[app.API.Default]; a.Issuer != "http://issuer" || len(a.Audience) != 1 || a.Audience[0] != "me" {
		t.Errorf("default authorizer: got %+v", a)
	}
	for _, f := range app.Functions {
		if len(f.Routes)+len(f.Queues)+len(f.Streams)+len(f.Objects)+len(f.Schedules) == 0 {
			t.Errorf("%s is never called", f.ID)
		}
		if f.Environment["TABLE_NAME"] != app.Tables[0].Name {
			t.Errorf("%s: got %v", f.ID, f.Environment)
		}
	}
}
