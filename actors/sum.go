package actors

import (
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
)

// sumFamilies adds figures of another process to our own, which were gathered for
// this and are changed. Both are sorted by name, as is what it returns.
func sumFamilies(own, others []*dto.MetricFamily) []*dto.MetricFamily {
	if len(others) == 0 {
		return own
	}
	all := slices.Clone(own)
	for _, other := range others {
		i, found := slices.BinarySearchFunc(own, other, byName)
		switch {
		case !found:
			all = append(all, without(other, func(*dto.Metric) bool { return false }))
		case own[i].GetType() == other.GetType():
			sumFamily(own[i], other)
		}
	}
	slices.SortFunc(all, byName)
	return all
}

// sumFamily adds the series of other to those of f with the same labels, and has
// those that f lacks as they are.
func sumFamily(f, other *dto.MetricFamily) {
	byLabels := make(map[string]*dto.Metric, len(f.GetMetric()))
	for _, m := range f.GetMetric() {
		byLabels[labelsText(m)] = m
	}
	for _, m := range other.GetMetric() {
		if mine := byLabels[labelsText(m)]; mine != nil {
			sumMetric(mine, m)
		} else {
			f.Metric = append(f.Metric, m)
		}
	}
}

// labelsText stands for the labels of a series. They are sorted by name.
func labelsText(m *dto.Metric) string {
	var text strings.Builder
	for _, l := range m.GetLabel() {
		text.WriteString(l.GetName())
		text.WriteByte(0)
		text.WriteString(l.GetValue())
		text.WriteByte(0)
	}
	return text.String()
}

func sumMetric(mine, other *dto.Metric) {
	switch {
	case mine.GetCounter() != nil:
		sum := mine.GetCounter().GetValue() + other.GetCounter().GetValue()
		mine.Counter = &dto.Counter{Value: &sum, CreatedTimestamp: other.GetCounter().GetCreatedTimestamp()}
	case mine.GetGauge() != nil:
		sum := mine.GetGauge().GetValue() + other.GetGauge().GetValue()
		mine.Gauge = &dto.Gauge{Value: &sum}
	case mine.GetHistogram() != nil && other.GetHistogram() != nil:
		mine.Histogram = sumHistogram(mine.GetHistogram(), other.GetHistogram())
	}
}

// sumHistogram is both histograms, in the buckets of the first one.
func sumHistogram(mine, other *dto.Histogram) *dto.Histogram {
	count, sum := mine.GetSampleCount()+other.GetSampleCount(), mine.GetSampleSum()+other.GetSampleSum()
	h := &dto.Histogram{SampleCount: &count, SampleSum: &sum, CreatedTimestamp: other.GetCreatedTimestamp()}
	for _, b := range mine.GetBucket() {
		n := b.GetCumulativeCount() + cumulative(other.GetBucket(), b.GetUpperBound())
		h.Bucket = append(h.Bucket, &dto.Bucket{CumulativeCount: &n, UpperBound: b.UpperBound})
	}
	sumNative(h, mine, other)
	return h
}

// cumulative is how many samples are certain to be no larger than bound.
func cumulative(buckets []*dto.Bucket, bound float64) (n uint64) {
	for _, b := range buckets {
		if b.GetUpperBound() <= bound {
			n = max(n, b.GetCumulativeCount())
		}
	}
	return n
}

// sumNative adds native histograms, whose buckets are in the proportion of
// 2^(2^-schema): what is finer is made as coarse as the other, where each bucket has
// two of the finer ones. Durations are never below 0, so that there are no negative
// buckets. One that is not native leaves none that is.
func sumNative(h, mine, other *dto.Histogram) {
	if mine.Schema == nil || other.Schema == nil {
		return
	}
	schema := min(mine.GetSchema(), other.GetSchema())
	zero := mine.GetZeroCount() + other.GetZeroCount()
	threshold := max(mine.GetZeroThreshold(), other.GetZeroThreshold())
	h.Schema, h.ZeroCount, h.ZeroThreshold = &schema, &zero, &threshold
	buckets := make(map[int32]int64)
	for _, one := range []*dto.Histogram{mine, other} {
		eachNative(one, func(index int32, n int64) {
			coarser := uint(one.GetSchema() - schema)
			buckets[(index-1)>>coarser+1] += n
		})
	}
	h.PositiveSpan, h.PositiveDelta = packNative(buckets)
}

// eachNative reads the positive buckets: spans of them, of which each has the
// difference to the bucket before it.
func eachNative(h *dto.Histogram, f func(index int32, n int64)) {
	index, n, deltas := int32(0), int64(0), h.GetPositiveDelta()
	for _, span := range h.GetPositiveSpan() {
		index += span.GetOffset()
		for range min(span.GetLength(), uint32(len(deltas))) {
			n += deltas[0]
			deltas = deltas[1:]
			f(index, n)
			index++
		}
	}
}

// packNative is the inverse of eachNative. An empty native histogram has one empty
// span, which tells it from one that is not native.
func packNative(buckets map[int32]int64) (spans []*dto.BucketSpan, deltas []int64) {
	indexes := make([]int32, 0, len(buckets))
	for index := range buckets {
		indexes = append(indexes, index)
	}
	slices.Sort(indexes)
	next, before := int32(0), int64(0)
	for i, index := range indexes {
		if i == 0 || index != next {
			offset, length := index-next, uint32(0)
			spans = append(spans, &dto.BucketSpan{Offset: &offset, Length: &length})
		}
		*spans[len(spans)-1].Length++
		deltas = append(deltas, buckets[index]-before)
		before, next = buckets[index], index+1
	}
	if len(spans) == 0 {
		offset, length := int32(0), uint32(0)
		spans = []*dto.BucketSpan{{Offset: &offset, Length: &length}}
	}
	return spans, deltas
}
