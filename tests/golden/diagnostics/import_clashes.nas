from "imported/blocks.nas" import stem

block stem(x) = x

space s {
  input image: [3, 32, 32]
  y = stem(image)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
