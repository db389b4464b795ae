"""Translation: from sentences of one language to those of another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from longshort.data.parallel import Pairs
from longshort.metrics.alignment import best_translations, join_words, split_words, word_for_word
from longshort.metrics.bleu import bleu_scores, bleu_statistics
from longshort.metrics.chrf import chrf
from longshort.runs.task import Baseline, Encoded, Metric, Model, Track, Words
from longshort.runs.writing import Written, written_by
from longshort.tasks.seq2seq.baselines import repeated_targets
from longshort.tasks.seq2seq.config import TranslateConfig
from longshort.tasks.seq2seq.encoder import PairEncoder
from longshort.tasks.seq2seq.task import HABIT_METRICS, PERPLEXITY, PairTask

TranslateModel = Model[TranslateConfig, PairEncoder]


class TranslateTask(PairTask[TranslateConfig]):
    """Translation by an encoder and a decoder with attention."""

    name: ClassVar[str] = "translate"
    Config = TranslateConfig
    metrics = (
        Metric("bleu", "BLEU", spoken="BLEU {}", number="{:.1f}"),
        Metric("chrf", "chrF", number="{:.1f}"),
        PERPLEXITY,
        *HABIT_METRICS,
    )
    words = Words(
        model="translator",
        title="Translation",
        samples="pairs",
        unit="target tokens",
        usage="Translate with `longshort write RUN --data FILE`, or type sentences into `longshort "
        "write RUN`.",
        scores="BLEU is that of sacrebleu, of cased text, and chrF likewise; both are of texts "
        "that the model wrote by itself. Perplexity is that of the given targets. Length is words "
        "written per word wanted.",
        gain="gain in BLEU",
        gain_form="+.1f",
    )
    measure = "100 - BLEU of greedy translations"

    def from_sums(self, sums: Any) -> Any:
        """Return BLEU."""
        return bleu_scores(sums)

    def quality(self, config: TranslateConfig, samples: Pairs, texts: Sequence[str]) -> float:
        """Return BLEU."""
        return float(bleu_scores(self.statistics(config, samples, texts).sum(0)))

    def statistics(self, config: TranslateConfig, samples: Pairs, texts: Sequence[str]) -> Any:
        """Return matches, totals and lengths of each sentence."""
        return bleu_statistics(texts, samples.references or [], config.evaluate.bleu or "13a")

    def values(
        self, config: TranslateConfig, samples: Pairs, texts: Sequence[str]
    ) -> dict[str, Any]:
        """Return BLEU and chrF."""
        return {
            "bleu": self.quality(config, samples, texts),
            "chrf": chrf(texts, samples.references or []),
        }

    def baselines(
        self,
        model: TranslateModel,
        splits: Mapping[str, Encoded[Pairs]],
        networks: Mapping[str, TranslateModel],
        track: Track,
    ) -> dict[str, Baseline[Written]]:
        """Return the copied source, word by word translation, and known targets."""
        del networks
        train, test = splits["train"].samples, splits["test"].samples
        found = {"copy": Baseline(written_by(test.sources), "the source itself")}
        track("counting word pairs", 0, 0)
        split = list if _is_unspaced(model) else split_words
        known = train.targets or []
        lexicon = best_translations([split(t) for t in train.sources], [split(t) for t in known])
        words = [join_words(word_for_word(lexicon, split(text))) for text in test.sources]
        found["word_for_word"] = Baseline(written_by(words), "word by word translation")
        memory = model.config.evaluate.memory
        return found | repeated_targets(train, test, track, memory=memory)


def _is_unspaced(model: TranslateModel) -> bool:
    """Return whether words of the source are not divided by spaces."""
    return model.encoder.coder.source.kind == "characters"
