space s {
  input image: [3, 32, 32]
  choose op in { relu, bn }
  y = image >> op()
  require 3 < 2
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
