package objects

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/s3api/utils"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// store keeps objects in files, for versitygw to serve. It holds what the functions use (put, get, head, list, delete; buckets and
// their CORS rules); the rest answers NotImplemented. versitygw's own posix backend can't be embedded: it changes the working
// directory of the whole process, so that neither a test nor a second stack could live beside it.
//
//	<dir>/<bucket>/bucket.json            CORS rules
//	<dir>/<bucket>/<sha256 of key>.json   the object's head, which names its data
//	<dir>/<bucket>/<random>.data          the bytes; replaced as a whole, never written over
type store struct {
	backend.BackendUnsupported
	dir string

	mu      sync.RWMutex
	buckets map[string]*bucket
}

type bucket struct {
	CORS    []byte    `json:"cors,omitempty"`
	Created time.Time `json:"created"`
	objects map[string]head
}

// head is what is known of an object beside its bytes.
type head struct {
	Key                string            `json:"key"`
	Data               string            `json:"data"` // file name
	Size               int64             `json:"size"`
	ETag               string            `json:"etag"`  // with its quotes
	CRC32              string            `json:"crc32"` // base64
	Modified           time.Time         `json:"modified"`
	ContentType        string            `json:"content_type,omitempty"`
	ContentEncoding    string            `json:"content_encoding,omitempty"`
	ContentDisposition string            `json:"content_disposition,omitempty"`
	ContentLanguage    string            `json:"content_language,omitempty"`
	CacheControl       string            `json:"cache_control,omitempty"`
	Metadata           map[string]string `json:"metadata,omitempty"`
}

// openStore reads what an earlier run has left in dir.
func openStore(dir string) (*store, error) {
	s := &store{dir: dir, buckets: map[string]*bucket{}}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	folders, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, f := range folders {
		b := &bucket{objects: map[string]head{}}
		if err := readJSON(filepath.Join(dir, f.Name(), "bucket.json"), b); err != nil {
			return nil, err
		}
		heads, err := filepath.Glob(filepath.Join(dir, f.Name(), strings.Repeat("[0-9a-f]", 64)+".json"))
		if err != nil {
			return nil, err
		}
		for _, file := range heads {
			var h head
			if err := readJSON(file, &h); err != nil {
				return nil, err
			}
			b.objects[h.Key] = h
		}
		s.buckets[f.Name()] = b
	}
	return s, nil
}

func readJSON(file string, v any) error {
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	return err
}

// writeJSON replaces file with v, at once or not at all.
func writeJSON(file string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", b, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

func (s *store) String() string { return "files" }

func (s *store) path(name, file string) string { return filepath.Join(s.dir, name, file) }

func headFile(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:]) + ".json"
}

// find is the named bucket; the caller holds the lock.
func (s *store) find(name *string) (*bucket, error) {
	b, ok := s.buckets[aws.ToString(name)]
	if !ok {
		return nil, s3err.GetBucketErr(s3err.ErrNoSuchBucket, aws.ToString(name))
	}
	return b, nil
}

func (s *store) head(name, key *string) (head, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, err := s.find(name)
	if err != nil {
		return head{}, err
	}
	h, ok := b.objects[aws.ToString(key)]
	if !ok {
		return head{}, s3err.GetAPIError(s3err.ErrNoSuchKey)
	}
	return h, nil
}

// ListBuckets lists all buckets.
func (s *store) ListBuckets(context.Context, s3response.ListBucketsInput) (s3response.ListAllMyBucketsResult, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out s3response.ListAllMyBucketsResult
	for _, name := range slices.Sorted(maps.Keys(s.buckets)) {
		out.Buckets.Bucket = append(out.Buckets.Bucket, s3response.ListAllMyBucketsEntry{Name: name, CreationDate: s.buckets[name].Created})
	}
	return out, nil
}

// CreateBucket makes a bucket.
func (s *store) CreateBucket(_ context.Context, in *s3.CreateBucketInput, _ []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.buckets[*in.Bucket]; ok {
		return s3err.GetBucketErr(s3err.ErrBucketAlreadyOwnedByYou, *in.Bucket)
	}
	if err := os.Mkdir(filepath.Join(s.dir, *in.Bucket), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	b := &bucket{Created: time.Now(), objects: map[string]head{}}
	if err := writeJSON(s.path(*in.Bucket, "bucket.json"), b); err != nil {
		return err
	}
	s.buckets[kept(in.Bucket)] = b
	return nil
}

// HeadBucket says whether there is such a bucket.
func (s *store) HeadBucket(_ context.Context, in *s3.HeadBucketInput) (*s3.HeadBucketOutput, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, err := s.find(in.Bucket)
	return &s3.HeadBucketOutput{}, err
}

// GetBucketAcl is empty: everything belongs to the one account there is.
//
//lint:ignore ST1003 backend.Backend names it so
func (s *store) GetBucketAcl(_ context.Context, in *s3.GetBucketAclInput) ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, err := s.find(in.Bucket)
	return nil, err
}

// GetBucketPolicy finds none, so nobody but that account may do anything.
func (s *store) GetBucketPolicy(_ context.Context, name string) ([]byte, error) {
	return nil, s3err.GetBucketErr(s3err.ErrNoSuchBucketPolicy, name)
}

// GetObjectLockConfiguration finds none.
func (s *store) GetObjectLockConfiguration(_ context.Context, name string) ([]byte, error) {
	return nil, s3err.GetBucketErr(s3err.ErrObjectLockConfigurationNotFound, name)
}

// GetBucketCors is what PutBucketCors put.
func (s *store) GetBucketCors(_ context.Context, name string) ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, err := s.find(&name)
	if err == nil && b.CORS == nil {
		err = s3err.GetBucketErr(s3err.ErrNoSuchCORSConfiguration, name)
	}
	if err != nil {
		return nil, err
	}
	return b.CORS, nil
}

// PutBucketCors replaces the bucket's CORS rules.
func (s *store) PutBucketCors(_ context.Context, name string, rules []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.find(&name)
	if err != nil {
		return err
	}
	b.CORS = slices.Clone(rules)
	return writeJSON(s.path(name, "bucket.json"), b)
}

// PutObject writes an object, whole or not at all.
func (s *store) PutObject(_ context.Context, in s3response.PutObjectInput) (s3response.PutObjectOutput, error) {
	s.mu.RLock()
	_, err := s.find(in.Bucket)
	s.mu.RUnlock()
	if err != nil {
		return s3response.PutObjectOutput{}, err
	}
	h, err := s.write(in)
	if err != nil {
		return s3response.PutObjectOutput{}, err
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.find(in.Bucket)
	if err != nil {
		return s3response.PutObjectOutput{}, err
	}
	old, exists := b.objects[h.Key]
	err = backend.EvaluateObjectPutPreconditions(old.ETag, in.IfMatch, in.IfNoneMatch, exists)
	if err == nil {
		err = writeJSON(s.path(*in.Bucket, headFile(h.Key)), h)
	}
	if err != nil {
		return s3response.PutObjectOutput{}, errors.Join(err, os.Remove(s.path(*in.Bucket, h.Data)))
	}
	b.objects[h.Key] = h
	if exists { // who is reading it goes on reading it
		if err := os.Remove(s.path(*in.Bucket, old.Data)); err != nil {
			return s3response.PutObjectOutput{}, err
		}
	}
	return s3response.PutObjectOutput{ETag: h.ETag, Size: &h.Size, ChecksumCRC32: &h.CRC32, ChecksumType: types.ChecksumTypeFullObject}, nil
}

// write puts the bytes into a file of their own, and refuses them when they aren't what the sender says.
func (s *store) write(in s3response.PutObjectInput) (head, error) {
	h := head{
		Key: kept(in.Key), Data: rand.Text() + ".data", Modified: time.Now().UTC().Truncate(time.Second),
		ContentType: kept(in.ContentType), ContentEncoding: kept(in.ContentEncoding), ContentDisposition: kept(in.ContentDisposition),
		ContentLanguage: kept(in.ContentLanguage), CacheControl: kept(in.CacheControl), Metadata: map[string]string{},
	}
	for k, v := range in.Metadata {
		h.Metadata[strings.Clone(k)] = strings.Clone(v)
	}
	body := in.Body
	if body == nil {
		body = strings.NewReader("")
	}
	for kind, said := range map[utils.HashType]*string{
		utils.HashTypeContentMD5: in.ContentMD5, utils.HashTypeCRC32: in.ChecksumCRC32, utils.HashTypeCRC32C: in.ChecksumCRC32C,
		utils.HashTypeCRC64NVME: in.ChecksumCRC64NVME, utils.HashTypeSha1: in.ChecksumSHA1, utils.HashTypeSha256: in.ChecksumSHA256,
	} {
		if aws.ToString(said) == "" {
			continue
		}
		checked, err := utils.NewHashReader(body, *said, kind)
		if err != nil {
			return head{}, err
		}
		body = checked
	}
	name := s.path(*in.Bucket, h.Data)
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return head{}, err
	}
	etag, crc := md5.New(), crc32.NewIEEE()
	h.Size, err = io.Copy(io.MultiWriter(f, etag, crc), body)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return head{}, errors.Join(err, os.Remove(name))
	}
	h.ETag, h.CRC32 = `"`+hex.EncodeToString(etag.Sum(nil))+`"`, base64.StdEncoding.EncodeToString(crc.Sum(nil))
	return h, nil
}

// kept is a string that outlives its request: versitygw's front reuses the memory of those that it hands over.
func kept(s *string) string { return strings.Clone(aws.ToString(s)) }

// GetObject reads an object or a range of it.
func (s *store) GetObject(_ context.Context, in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
	// A put may replace the object between its head and its bytes: then the head is a new one.
	for {
		h, err := s.head(in.Bucket, in.Key)
		if err != nil {
			return nil, err
		}
		f, err := os.Open(s.path(*in.Bucket, h.Data))
		if errors.Is(err, fs.ErrNotExist) {
			if now, again := s.head(in.Bucket, in.Key); again == nil && now.Data == h.Data {
				return nil, err // it is truly gone
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		out, err := h.get(in, f)
		if err != nil {
			f.Close()
		}
		return out, err
	}
}

func (h head) get(in *s3.GetObjectInput, f *os.File) (*s3.GetObjectOutput, error) {
	err := backend.EvaluatePreconditions(h.ETag, h.Modified, backend.PreConditions{
		IfMatch: in.IfMatch, IfNoneMatch: in.IfNoneMatch, IfModSince: in.IfModifiedSince, IfUnmodeSince: in.IfUnmodifiedSince,
	})
	if err != nil {
		return nil, err
	}
	from, length, part, err := backend.ParseObjectRange(h.Size, aws.ToString(in.Range))
	if err != nil {
		return nil, err
	}
	out := &s3.GetObjectOutput{
		AcceptRanges: aws.String("bytes"), ContentLength: &length, ETag: &h.ETag, LastModified: &h.Modified, Metadata: h.Metadata,
		ContentType: text(h.ContentType), ContentEncoding: text(h.ContentEncoding), ContentDisposition: text(h.ContentDisposition),
		ContentLanguage: text(h.ContentLanguage), CacheControl: text(h.CacheControl), StorageClass: types.StorageClassStandard,
	}
	if part {
		out.ContentRange = aws.String(fmt.Sprintf("bytes %d-%d/%d", from, from+length-1, h.Size))
	} else if in.ChecksumMode == types.ChecksumModeEnabled {
		out.ChecksumCRC32, out.ChecksumType = &h.CRC32, types.ChecksumTypeFullObject
	}
	out.Body = struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(f, from, length), f}
	return out, nil
}

// text is s, or nil for the empty string: a header that isn't there.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// HeadObject is what GetObject says beside the bytes.
func (s *store) HeadObject(_ context.Context, in *s3.HeadObjectInput) (*s3.HeadObjectOutput, error) {
	h, err := s.head(in.Bucket, in.Key)
	if err != nil {
		return nil, err
	}
	get, err := h.get(&s3.GetObjectInput{
		Range: in.Range, ChecksumMode: in.ChecksumMode,
		IfMatch: in.IfMatch, IfNoneMatch: in.IfNoneMatch, IfModifiedSince: in.IfModifiedSince, IfUnmodifiedSince: in.IfUnmodifiedSince,
	}, nil)
	if err != nil {
		return nil, err
	}
	return &s3.HeadObjectOutput{
		AcceptRanges: get.AcceptRanges, ContentLength: get.ContentLength, ContentRange: get.ContentRange, ETag: get.ETag,
		LastModified: get.LastModified, Metadata: get.Metadata, ContentType: get.ContentType, ContentEncoding: get.ContentEncoding,
		ContentDisposition: get.ContentDisposition, ContentLanguage: get.ContentLanguage, CacheControl: get.CacheControl,
		ChecksumCRC32: get.ChecksumCRC32, ChecksumType: get.ChecksumType, StorageClass: get.StorageClass,
	}, nil
}

// DeleteObject forgets an object; one that isn't there is no error.
func (s *store) DeleteObject(_ context.Context, in *s3.DeleteObjectInput) (*s3.DeleteObjectOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.find(in.Bucket)
	if err != nil {
		return nil, err
	}
	if h, ok := b.objects[*in.Key]; ok {
		delete(b.objects, *in.Key)
		err = errors.Join(os.Remove(s.path(*in.Bucket, headFile(*in.Key))), os.Remove(s.path(*in.Bucket, h.Data)))
	}
	return &s3.DeleteObjectOutput{}, err
}

// DeleteObjects forgets several.
func (s *store) DeleteObjects(ctx context.Context, in *s3.DeleteObjectsInput) (s3response.DeleteResult, error) {
	var out s3response.DeleteResult
	for _, o := range in.Delete.Objects {
		if _, err := s.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: in.Bucket, Key: o.Key}); err != nil {
			out.Error = append(out.Error, types.Error{Key: o.Key, Code: aws.String("InternalError"), Message: aws.String(err.Error())})
			continue
		}
		out.Deleted = append(out.Deleted, types.DeletedObject{Key: o.Key})
	}
	return out, nil
}

// ListObjectsV2 lists keys in order, those below a delimiter as one prefix.
func (s *store) ListObjectsV2(_ context.Context, in *s3.ListObjectsV2Input) (s3response.ListObjectsV2Result, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, err := s.find(in.Bucket)
	if err != nil {
		return s3response.ListObjectsV2Result{}, err
	}
	prefix, delimiter := aws.ToString(in.Prefix), aws.ToString(in.Delimiter)
	after := max(aws.ToString(in.StartAfter), aws.ToString(in.ContinuationToken))
	limit := int(aws.ToInt32(in.MaxKeys))
	out := s3response.ListObjectsV2Result{
		Name: in.Bucket, Prefix: in.Prefix, Delimiter: text(delimiter), MaxKeys: in.MaxKeys, StartAfter: in.StartAfter,
		ContinuationToken: text(aws.ToString(in.ContinuationToken)), IsTruncated: aws.Bool(false),
	}
	n, last := 0, ""
	for _, key := range slices.Sorted(maps.Keys(b.objects)) {
		rest, ok := strings.CutPrefix(key, prefix)
		folder := ""
		if i := strings.Index(rest, delimiter); delimiter != "" && i >= 0 {
			folder = prefix + rest[:i+len(delimiter)]
		}
		if !ok || key <= after || folder != "" && (folder == last || strings.HasPrefix(after, folder)) {
			continue
		}
		if n == limit {
			out.IsTruncated, out.NextContinuationToken = aws.Bool(limit > 0), text(last)
			break
		}
		n++
		if folder != "" {
			out.CommonPrefixes, last = append(out.CommonPrefixes, types.CommonPrefix{Prefix: aws.String(folder)}), folder
			continue
		}
		h := b.objects[key]
		out.Contents, last = append(out.Contents, s3response.Object{
			Key: &h.Key, Size: &h.Size, ETag: &h.ETag, LastModified: &h.Modified, StorageClass: types.ObjectStorageClassStandard,
		}), key
	}
	out.KeyCount = aws.Int32(int32(n))
	return out, nil
}
