space s {
  input image: [3, 32, 32]
  x['a'] = image
  y = x['a']
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
